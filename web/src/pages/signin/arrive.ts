/** A path of this interface, or "/" for anything that could lead elsewhere: //evil, /\evil, https://evil, javascript:… */
export function inside(next: string | undefined): string {
  if (!next || !next.startsWith('/') || /^\/[/\\]|[\\\u0000-\u001f]/.test(next)) return '/';
  const there = new URL(next, window.location.origin);
  return there.origin === window.location.origin && !there.pathname.startsWith('//') && there.pathname !== '/signin' ? there.pathname + there.search + there.hash : '/';
}

/** Goes where a person wanted to go before signing in. A page load, so that nothing of another person is left in memory. */
export function arrive(next: string | undefined) {
  window.location.replace(inside(next));
}
