import { IconAlertOctagonFilled, IconAlertTriangleFilled, IconCircleCheckFilled, IconCircleDot, IconCircleDotted, IconInfoCircleFilled, IconSquareRotatedFilled, IconCircleArrowDownFilled, IconVolumeOff, type Icon } from '@tabler/icons-react';
import css from './badge.module.css';

/** The severities, from the worst. */
export const severities = ['critical', 'high', 'medium', 'low', 'info'] as const;
export type SeverityName = (typeof severities)[number];

/** Shape and word say it too, for those who do not see the colour. */
const shapes: Record<SeverityName, Icon> = {
  critical: IconAlertOctagonFilled,
  high: IconAlertTriangleFilled,
  medium: IconSquareRotatedFilled,
  low: IconCircleArrowDownFilled,
  info: IconInfoCircleFilled,
};

const word = (s: string) => s.charAt(0).toUpperCase() + s.slice(1);

/** How bad something is. */
export function Severity({ of, quiet }: { of: string; quiet?: boolean }) {
  const known = (severities as readonly string[]).includes(of) ? (of as SeverityName) : 'info';
  const Shape = shapes[known];
  return (
    <span className={css.badge} data-tone={known} data-quiet={quiet ? '' : undefined}>
      <Shape size={13} aria-hidden />
      {word(of)}
    </span>
  );
}

const statuses: Record<string, { tone: string; icon: Icon }> = {
  open: { tone: 'open', icon: IconCircleDot },
  muted: { tone: 'muted', icon: IconVolumeOff },
  fixed: { tone: 'good', icon: IconCircleCheckFilled },
  undecided: { tone: 'muted', icon: IconCircleDotted },
};

/** Where a finding is in its life: open, muted or fixed. */
export function Status({ of }: { of: string }) {
  const s = statuses[of] ?? statuses.open!;
  return (
    <span className={css.status} data-tone={s.tone}>
      <s.icon size={14} aria-hidden />
      {word(of)}
    </span>
  );
}

/** A short word about something, in one of the tones of the palette. */
export function Tag({ tone = 'info', children, title }: { tone?: SeverityName | 'good' | 'bad' | 'warn' | 'accent'; children: React.ReactNode; title?: string }) {
  return (
    <span className={css.badge} data-tone={tone} title={title}>
      {children}
    </span>
  );
}
