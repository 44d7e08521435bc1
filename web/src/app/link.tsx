import type { AnchorHTMLAttributes } from 'react';
import { Link } from '@tanstack/react-router';
import type { Search } from './address.ts';

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> {
  /** A path of the interface: '/repositories/12'. */
  to: string;
  search?: Search;
}

/** A link inside of the interface. It opens in a new tab when asked to, and its page is fetched when the pointer comes near. */
export function To({ to, search, ...rest }: Props) {
  return <Link to={to as never} search={(search ?? {}) as never} preload="intent" {...rest} />;
}

/** A link to the findings that a query describes: every number on every page is one. */
export function ToFindings({ query, ...rest }: Omit<Props, 'to' | 'search'> & { query: string }) {
  return <To to="/findings" search={{ q: query }} {...rest} />;
}
