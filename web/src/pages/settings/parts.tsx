import { useState, type ReactNode } from 'react';
import { Button, Modal, NativeSelect, type NativeSelectProps } from '@mantine/core';
import { IconCopy } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useSay } from '../../app/toasts.tsx';
import css from './settings.module.css';

/** The roles, from the weakest, with what each can do besides. */
export const roles = [
  { value: 'viewer', label: 'Viewer', does: 'reads' },
  { value: 'triager', label: 'Triager', does: 'decides about findings' },
  { value: 'maintainer', label: 'Maintainer', does: 'connects repositories, sets rules' },
  { value: 'administrator', label: 'Administrator', does: 'people, tokens, settings, audit' },
];

/** Chooses a role. none is what it means to have none; without it there has to be one. */
export function RoleSelect({ none, ...rest }: { none?: string } & NativeSelectProps) {
  return <NativeSelect {...rest} data={[...(none ? [{ value: '', label: none }] : []), ...roles.map((r) => ({ value: r.value, label: r.label }))]} />;
}

/** Changes something, says so, and has lists read again. */
export function useChange<V>(change: (value: V) => Promise<unknown>, said: string, keys: string[]) {
  const client = useQueryClient();
  const say = useSay();
  return useMutation({
    mutationFn: change,
    onSuccess: () => {
      if (said) say.done(said);
    },
    onError: (e) => say.failed(e),
    onSettled: () => Promise.all(keys.map((k) => client.invalidateQueries({ queryKey: [k] }))),
  });
}

/** A text to take along, with a button that copies it. */
export function Secret({ text, label }: { text: string; label: string }) {
  const say = useSay();
  return (
    <div className={css.secret}>
      <code aria-label={label}>{text}</code>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconCopy size={14} aria-hidden />}
        onClick={() => void navigator.clipboard.writeText(text).then(() => say.done('Copied'), () => say.failed(new Error('The browser does not let pages copy here: mark the text and copy it.')))}
      >
        Copy
      </Button>
    </div>
  );
}

/** A button that opens a dialog; the dialog is told how to close. */
export function Dialog({ button, title, children, variant = 'filled' }: { button: string; title: string; variant?: 'filled' | 'default' | 'subtle'; children: (close: () => void) => ReactNode }) {
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <>
      <Button size="xs" variant={variant} onClick={() => setOpen(true)} style={{ flex: 'none' }}>
        {button}
      </Button>
      <Modal opened={open} onClose={close} title={title} lockScroll={false} centered closeButtonProps={{ 'aria-label': 'Close' }}>
        {open && children(close)}
      </Modal>
    </>
  );
}
