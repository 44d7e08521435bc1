import { createContext, useCallback, useContext, useMemo, useRef, useState, type ReactNode } from 'react';
import { IconAlertTriangle, IconCheck, IconX } from '@tabler/icons-react';
import { asProblem } from '../api/problem.ts';
import css from './toasts.module.css';

interface Toast {
  id: number;
  text: ReactNode;
  tone: 'good' | 'bad' | 'going';
  undo?: () => void | Promise<void>;
}

interface Say {
  /** Says that something was done; undo takes it back. */
  done: (text: ReactNode, undo?: () => void | Promise<void>) => void;
  /** Shows something that goes on and tells itself how far it is. Stays until it is closed. */
  going: (text: ReactNode) => void;
  /** Says that something failed. Stays until it is closed. */
  failed: (thrown: unknown) => void;
}

const Context = createContext<Say>({ done: () => {}, going: () => {}, failed: () => {} });

/** How long a message stays, in milliseconds; one with an undo stays longer. */
const stay = { plain: 4500, undo: 9000 };

/** Shows what was done, in the corner, newest last. */
export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<Toast[]>([]);
  const next = useRef(1);
  const close = useCallback((id: number) => setToasts((t) => t.filter((x) => x.id !== id)), []);
  const add = useCallback(
    (toast: Omit<Toast, 'id'>) => {
      const id = next.current++;
      setToasts((t) => [...t.slice(-3), { ...toast, id }]);
      if (toast.tone === 'good') setTimeout(() => close(id), toast.undo ? stay.undo : stay.plain);
    },
    [close],
  );
  const say = useMemo<Say>(
    () => ({
      done: (text, undo) => add({ text, undo, tone: 'good' }),
      going: (text) => add({ text, tone: 'going' }),
      failed: (thrown) => {
        const p = asProblem(thrown);
        if (p.status === 401) return; // the sign-in page says so itself
        add({
          tone: 'bad',
          text: (
            <>
              {p.message}
              {p.fields.map((f) => (
                <span key={f} className={css.more}>
                  {f}
                </span>
              ))}
              {p.request && <span className={css.more}>Request {p.request}</span>}
            </>
          ),
        });
      },
    }),
    [add],
  );
  return (
    <Context.Provider value={say}>
      {children}
      <div className={css.stack} role="status" aria-live="polite">
        {toasts.map((t) => (
          <div key={t.id} className={css.toast} data-tone={t.tone}>
            {t.tone === 'good' ? <IconCheck size={18} aria-hidden /> : t.tone === 'bad' ? <IconAlertTriangle size={18} aria-label="Failed" /> : null}
            <div className={css.text}>{t.text}</div>
            {t.undo && (
              <button
                type="button"
                className={css.undo}
                onClick={() => {
                  close(t.id);
                  void Promise.resolve()
                    .then(t.undo)
                    .then(
                      () => say.done('Taken back'),
                      (e: unknown) => say.failed(e),
                    );
                }}
              >
                Undo
              </button>
            )}
            <button type="button" className={css.close} aria-label="Close message" onClick={() => close(t.id)}>
              <IconX size={16} aria-hidden />
            </button>
          </div>
        ))}
      </div>
    </Context.Provider>
  );
}

/** A way to say what was done and what failed. */
export function useSay(): Say {
  return useContext(Context);
}
