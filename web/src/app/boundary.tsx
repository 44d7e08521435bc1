import { Component, type ReactNode } from 'react';
import { Button } from '@mantine/core';
import { IconHelpCircle, IconPlugConnectedX } from '@tabler/icons-react';
import { asProblem } from '../api/problem.ts';
import { Empty } from '../part/empty.tsx';

/** What a page shows instead of itself when it failed. */
export function Failure({ error, again }: { error: unknown; again?: () => void }) {
  const p = asProblem(error);
  if (p.status === 400 || p.status === 422) {
    // What was asked makes no sense: to ask again, or an administrator, would not help.
    return (
      <Empty icon={IconHelpCircle} title="This cannot be asked like that">
        <p>{p.message}</p>
        {p.fields.map((f) => (
          <p key={f}>{f}</p>
        ))}
      </Empty>
    );
  }
  return (
    <Empty icon={IconPlugConnectedX} title={p.status === 404 ? 'Nothing is here' : p.status === 403 ? 'You may not see this' : 'This could not be shown'}>
      <p>{p.message}</p>
      {p.fields.map((f) => (
        <p key={f}>{f}</p>
      ))}
      {p.request && (
        <p>
          An administrator finds it in the log as request <code>{p.request}</code>.
        </p>
      )}
      {again && p.status !== 403 && p.status !== 404 && (
        <Button variant="default" size="xs" onClick={again}>
          Try again
        </Button>
      )}
    </Empty>
  );
}

/** Keeps a failure of what is below it from taking the rest of the page along. */
export class Boundary extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return <Failure error={this.state.error} again={() => this.setState({ error: undefined })} />;
  }
}
