import { createContext, useContext, useEffect, useRef, useState, type ReactNode } from 'react';

/** What a key does. */
export interface Key {
  /** "j", "?", "mod+k" (control, or command on a Mac), "g f" (one after the other), "Escape". */
  key: string;
  /** What the help says: "Next finding". */
  does: string;
  run: (event: KeyboardEvent) => void;
  /** True when it also works while somebody types in a field. */
  typing?: boolean;
}

interface Group {
  title: string;
  keys: Key[];
}

interface Register {
  groups: Group[];
  add: (group: Group) => () => void;
}

const Context = createContext<Register>({ groups: [], add: () => () => {} });

const inField = (e: KeyboardEvent) => {
  const t = e.target as HTMLElement | null;
  if (!t) return false;
  if (t.isContentEditable || t.tagName === 'TEXTAREA' || t.tagName === 'SELECT') return true;
  return t.tagName === 'INPUT' && !['checkbox', 'radio', 'button', 'submit'].includes((t as HTMLInputElement).type);
};

/** The word of an event: "mod+k", "?", "Escape". */
export function wordOf(e: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): string {
  return (e.ctrlKey || e.metaKey ? 'mod+' : '') + (e.altKey ? 'alt+' : '') + (e.key.length === 1 && (e.ctrlKey || e.metaKey) ? e.key.toLowerCase() : e.key);
}

/** Hears keys for everything below it. Only the groups that were added last answer a key that two groups have. */
export function Keys({ children }: { children: ReactNode }) {
  const [groups, setGroups] = useState<Group[]>([]);
  const latest = useRef(groups);
  latest.current = groups;
  const [add] = useState(() => (group: Group) => {
    setGroups((g) => [...g, group]);
    return () => setGroups((g) => g.filter((x) => x !== group));
  });
  useEffect(() => {
    let before = '';
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hear = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.isComposing || ['Shift', 'Control', 'Alt', 'Meta'].includes(e.key)) return;
      const typing = inField(e);
      const word = wordOf(e);
      const pair = before ? `${before} ${word}` : word;
      // A dialog has its own keys; below it nothing moves.
      const covered = document.querySelector('[role=dialog][aria-modal=true], [role=menu]') !== null;
      for (const group of [...latest.current].reverse()) {
        const key = group.keys.find((k) => (k.key === pair || k.key === word) && (!typing || k.typing));
        if (key && (!covered || key.typing)) {
          before = '';
          e.preventDefault();
          key.run(e);
          return;
        }
      }
      before = '';
      clearTimeout(timer);
      if (!typing && !covered && latest.current.some((g) => g.keys.some((k) => k.key.startsWith(word + ' ')))) {
        before = word;
        timer = setTimeout(() => (before = ''), 900);
      }
    };
    window.addEventListener('keydown', hear);
    return () => window.removeEventListener('keydown', hear);
  }, []);
  return <Context.Provider value={{ groups, add }}>{children}</Context.Provider>;
}

/** Gives a page its keys, and the help their description. keys may change with every drawing. */
export function useKeys(title: string, keys: Key[]) {
  const { add } = useContext(Context);
  const latest = useRef(keys);
  latest.current = keys;
  const names = keys.map((k) => `${k.key}\t${k.does}\t${k.typing ?? ''}`).join('\n');
  useEffect(() => {
    if (names === '') return;
    const bound = names.split('\n').map((line, i): Key => {
      const [key = '', does = '', typing] = line.split('\t');
      return { key, does, typing: typing === 'true', run: (e) => latest.current[i]?.run(e) };
    });
    return add({ title, keys: bound });
  }, [add, title, names]);
}

/** Every key that does something now, for the help. */
export function useKeyHelp(): Group[] {
  return useContext(Context).groups;
}
