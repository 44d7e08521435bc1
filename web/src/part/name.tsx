import { Fragment } from 'react';

// Controls, zero-width characters and those that turn the direction of writing: in a name they can only mislead.
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** Shows what would not be seen, or would turn the text around: U+202E becomes ‹U+202E›. */
export function visible(text: string): string {
  return text.replace(unseen, (c) => `‹U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}›`);
}

/** A name that a repository gave: a path, an address, a title. Breaks after slashes and dots when there is no room. */
export function Name({ of }: { of: string }) {
  const parts = visible(of).split(/(?<=[/.])/);
  return parts.map((p, i) => (
    <Fragment key={i}>
      {p}
      {i < parts.length - 1 && <wbr />}
    </Fragment>
  ));
}

/** The last characters of a long path stay, because the file is what people look for: "…/bucket/main.tf". */
export function tail(path: string, most = 42): string {
  const text = visible(path);
  if (text.length <= most) return text;
  const cut = text.slice(-most);
  const slash = cut.indexOf('/');
  return '…' + (slash > 0 && slash < most - 8 ? cut.slice(slash) : cut);
}
