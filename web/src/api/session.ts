import { useQuery } from '@tanstack/react-query';
import { get } from './http.ts';

/** Who is signed in, where, and what they may do. */
export interface Session {
  /** person, token or forge. */
  kind: string;
  id: string;
  name: string;
  /** Id of the organisation they work in. */
  organisation: string;
  /** viewer, triager, maintainer or administrator in all of the organisation; "" when only in teams. */
  role: string;
  /** Names of permissions: "finding:triage". What is missing here the server refuses. */
  permissions: string[];
}

/** The session of the person; undefined while it is being asked for and when nobody is signed in. */
export function useSession(): Session | undefined {
  return useQuery({ queryKey: ['session'], queryFn: ({ signal }) => get<Session>('/api/session', undefined, signal), staleTime: 60_000 }).data;
}

/** Whether the person may do what a permission names. False while nobody knows. */
export function useMay(permission: string): boolean {
  return useSession()?.permissions.includes(permission) ?? false;
}

/** A person's own account: what they are called, and the organisations that they are in. */
export interface Account {
  person: { name: string; email: string };
  organisation: { id: string; name: string };
  organisations: { id: string; name: string }[];
}

/** The account of the person who is signed in; undefined for tokens and while it is being asked for. */
export function useAccount(): Account | undefined {
  const session = useSession();
  return useQuery({
    queryKey: ['people', 'account'],
    queryFn: ({ signal }) => get<Account>('/api/account', undefined, signal),
    enabled: session?.kind === 'person',
    staleTime: 300_000,
  }).data;
}
