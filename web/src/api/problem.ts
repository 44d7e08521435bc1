/** What the server says went wrong (RFC 9457), in words for a person. */
export class Problem extends Error {
  /** The status of HTTP; 0 when no answer came. */
  readonly status: number;
  /** What an administrator finds the request by in the logs; "" when the server never saw it. */
  readonly request: string;
  /** What is wrong with which field of what was sent: "body.until: is in the past". */
  readonly fields: string[];

  constructor(status: number, message: string, request = '', fields: string[] = []) {
    super(message);
    this.name = 'Problem';
    this.status = status;
    this.request = request;
    this.fields = fields;
  }
}

const byStatus: Record<number, string> = {
  401: 'You are signed out. Sign in again to go on.',
  403: 'You may not do this. An administrator can give you the role it needs.',
  404: 'This does not exist, or you may not see it.',
  409: 'Somebody changed this meanwhile. Load it again and repeat what you did.',
  413: 'This is larger than the server takes.',
  429: 'Too many requests at once. Wait a moment, then try again.',
  503: 'The server is not ready. It may be starting or out of reach of its database; try again in a moment.',
};

/** Makes a Problem of an answer that is not a success. body is its parsed JSON, or anything else when it is none. */
export function problemOf(status: number, headers: Headers, body: unknown): Problem {
  const b = (typeof body === 'object' && body !== null ? body : {}) as { title?: unknown; detail?: unknown; errors?: unknown };
  const fields = (Array.isArray(b.errors) ? b.errors : []).flatMap((e: { location?: unknown; message?: unknown }) =>
    typeof e?.message !== 'string' || e.message === b.detail ? [] : [e.location ? `${String(e.location)}: ${e.message}` : e.message],
  );
  const said = typeof b.detail === 'string' && b.detail !== '' ? b.detail : typeof b.title === 'string' ? b.title : '';
  const message = status === 401 ? byStatus[401]! : said || byStatus[status] || `The server answered with status ${status}.`;
  return new Problem(status, message, headers.get('X-Request-Id') ?? '', fields);
}

/** The problem behind anything that was thrown. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof TypeError && /fetch|network|load/i.test(thrown.message)) {
    return new Problem(0, 'The server cannot be reached. Check the connection; what you see may be old.');
  }
  return new Problem(0, thrown instanceof Error ? thrown.message : String(thrown));
}
