import { useQuery } from '@tanstack/react-query';
import { get } from './http.ts';

/** Who is signed in, where, and what they may do. */
export interface Session {
  person: { id: string; name: string; email: string };
  organisation: { id: string; name: string };
  /** Every organisation that the person belongs to. */
  organisations: { id: string; name: string }[];
  /** viewer, triager, maintainer or administrator. */
  role: string;
  /** Names of permissions: "findings.triage". What is missing here the server refuses. */
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
