import type { Schema } from '../../api/types.ts';

export type Channel = Schema<'Channel'>;
export type Delivery = Schema<'Delivery'>;

/** What a channel can be told of. */
export const happenings = [
  { value: 'new', label: 'New findings' },
  { value: 'reopened', label: 'Findings that are open again' },
  { value: 'fixed', label: 'Fixed findings' },
  { value: 'mute-ending', label: 'Mutes that end within seven days' },
  { value: 'mute-ended', label: 'Mutes that have ended' },
  { value: 'scan-failed', label: 'Scans that fail' },
  { value: 'repository-problem', label: 'Repositories that cannot be fetched' },
] as const;

/** The kinds of channels, and what their address is. */
export const kinds = [
  { value: 'slack', label: 'Slack', address: 'Address of the incoming webhook', example: 'https://hooks.slack.com/services/…' },
  { value: 'teams', label: 'Microsoft Teams', address: 'Address of the workflow “When a Teams webhook request is received”', example: 'https://….environment.api.powerplatform.com/…' },
  { value: 'google-chat', label: 'Google Chat', address: 'Address of the webhook of the space', example: 'https://chat.googleapis.com/v1/spaces/…' },
  { value: 'email', label: 'E-mail', address: 'Addresses, separated by commas', example: 'platform@example.org' },
  { value: 'webhook', label: 'Webhook (JSON)', address: 'Address', example: 'https://receiver.example.org/plumbline' },
] as const;

/** The name of a kind. */
export function kindOf(kind: string): string {
  return kinds.find((k) => k.value === kind)?.label ?? kind;
}

/** An hour of UTC as people here say it: "08:00 UTC (09:00 here)". offset is Date's: minutes that UTC is ahead. */
export function hourOf(hour: number, offset = new Date().getTimezoneOffset()): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const here = (((hour * 60 - offset) % 1440) + 1440) % 1440;
  const utc = `${two(hour)}:00 UTC`;
  return offset === 0 ? utc : `${utc} (${two(Math.floor(here / 60))}:${two(here % 60)} here)`;
}

/** What became of a delivery, in a few words. */
export function outcome(d: Pick<Delivery, 'state' | 'status' | 'attempts' | 'problem'>): { tone: 'good' | 'bad' | 'warn' | 'info'; text: string } {
  if (d.state === 'sent') return { tone: 'good', text: `Arrived (${d.status})` };
  if (d.state === 'failed') return { tone: 'bad', text: d.attempts > 0 ? `Given up after ${d.attempts} ${d.attempts === 1 ? 'attempt' : 'attempts'}` : 'Not sent' };
  if (d.problem) return { tone: 'warn', text: `Failed ${d.attempts} ${d.attempts === 1 ? 'time' : 'times'}, is tried again` };
  return { tone: 'info', text: 'On its way' };
}
