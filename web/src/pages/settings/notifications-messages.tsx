import { Button } from '@mantine/core';
import { useList } from '../../api/paging.ts';
import { Failure } from '../../app/boundary.tsx';
import { Tag } from '../../part/badge.tsx';
import { Name } from '../../part/name.tsx';
import { Skeleton } from '../../part/page.tsx';
import { Time } from '../../part/time.tsx';
import { outcome, type Delivery } from './notifications-share.ts';
import page from './settings.module.css';
import css from './notifications.module.css';

/** What was sent to a channel, and what became of it. It follows what happens. */
export function Messages({ of }: { of: string }) {
  const list = useList<Delivery>(['channels', 'deliveries', of], `/api/channels/${of}/deliveries`, { limit: 25 });
  if (list.error) return <Failure error={list.error} again={() => void list.again()} />;
  if (list.loading) return <Skeleton lines={4} />;
  if (list.items.length === 0) return <p className={page.quiet}>Nothing was sent in the last 30 days.</p>;
  return (
    <div className={page.form}>
      <ul className={css.list} aria-label="Messages">
        {list.items.map((d) => {
          const was = outcome(d);
          return (
            <li key={d.id}>
              <Name of={d.title} />
              <div className={css.line}>
                <Tag tone={was.tone}>{was.text}</Tag>
                <Time at={d.triedAt ?? d.madeAt} />
                <code className={css.sub}>{d.id}</code>
              </div>
              {d.problem && <span className={css.problem}>{d.problem}</span>}
            </li>
          );
        })}
      </ul>
      {list.more && (
        <Button variant="default" onClick={() => list.readOn()}>
          Older ones
        </Button>
      )}
    </div>
  );
}
