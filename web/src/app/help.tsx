import { Modal } from '@mantine/core';
import { useKeyHelp } from './keys.tsx';
import css from './help.module.css';

const names: Record<string, string> = { Escape: 'Esc', ArrowDown: '↓', ArrowUp: '↑', ' ': 'Space', Enter: 'Enter' };

/** A key as it is printed on a keyboard. */
export function KeyCaps({ of }: { of: string }) {
  const mod = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl';
  return (
    <span className={css.caps}>
      {of.split(/[ +]/).map((k, i) => (
        <kbd key={i}>{k === 'mod' ? mod : (names[k] ?? k)}</kbd>
      ))}
    </span>
  );
}

/** Which keys do something on this page. */
export function Help({ open, close }: { open: boolean; close: () => void }) {
  const groups = useKeyHelp();
  return (
    <Modal opened={open} onClose={close} title="Keys" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className={css.groups}>
        {[...groups].reverse().map((g) => (
          <section key={g.title}>
            <h3>{g.title}</h3>
            <dl>
              {g.keys.map((k) => (
                <div key={k.key}>
                  <dt>{k.does}</dt>
                  <dd>
                    <KeyCaps of={k.key} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
