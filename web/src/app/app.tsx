import { useState } from 'react';
import { MantineProvider } from '@mantine/core';
import { IconCompass } from '@tabler/icons-react';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type AnyRoute, createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet, redirect, RouterProvider } from '@tanstack/react-router';
import { onSignedOut } from '../api/http.ts';
import { Problem } from '../api/problem.ts';
import { Empty } from '../part/empty.tsx';
import { PageFrame } from '../part/page.tsx';
import { pages } from '../pages/index.tsx';
import { parseSearch, writeSearch } from './address.ts';
import { Boundary, Failure } from './boundary.tsx';
import { Keys } from './keys.tsx';
import { To } from './link.tsx';
import type { Page } from './page.ts';
import { Shell } from './shell.tsx';
import { theme } from './theme.ts';
import { Toasts } from './toasts.tsx';

const root = createRootRoute({
  component: Outlet,
  errorComponent: ({ error, reset }) => <Failure error={error} again={reset} />,
});

/** What an address leads to that no page has. It stands in the shell, so that one is not lost. */
function Missing() {
  return (
    <PageFrame title="There is no such page">
      <Empty icon={IconCompass} title="Nothing is at this address">
        <p>It may be old or mistyped.</p>
        <To to="/findings">Go to the findings</To>
      </Empty>
    </PageFrame>
  );
}

const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell });

const missing = createRoute({ getParentRoute: () => shell, path: '$', component: Missing });

const first = pages.find((p) => p.nav)?.path ?? '/findings';
const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: first as never, replace: true });
  },
});

// The pages are a list and not a tree of types: their paths are plain strings.
const routeOf = (parent: unknown) => (p: Page) =>
  createRoute({
    getParentRoute: () => parent as never,
    path: p.path as string,
    component: lazyRouteComponent(p.load),
  }) as unknown as AnyRoute;

const router = createRouter({
  routeTree: root.addChildren([
    start,
    shell.addChildren([...pages.filter((p) => !p.bare).map(routeOf(shell)), missing]),
    ...pages.filter((p) => p.bare).map(routeOf(root)),
  ]) as AnyRoute,
  parseSearch,
  stringifySearch: (search) => writeSearch(search as Record<string, string>),
  defaultPendingMs: 150,
  defaultErrorComponent: ({ error, reset }) => <Failure error={error} again={reset} />,
});

onSignedOut(() => {
  const here = window.location.pathname + window.location.search;
  if (!here.startsWith('/signin')) void router.navigate({ to: '/signin' as never, search: { next: here } as never, replace: true });
});

function makeClient() {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        // What the server decided it will decide again; only a lost connection or a failing server is worth asking twice.
        retry: (count, error) => count < 2 && error instanceof Problem && (error.status === 0 || error.status >= 502),
      },
    },
  });
}

/** The whole interface. */
export function App() {
  const [client] = useState(makeClient);
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false} withStaticClasses={false}>
      <QueryClientProvider client={client}>
        <Keys>
          <Toasts>
            <Boundary>
              <RouterProvider router={router} />
            </Boundary>
          </Toasts>
        </Keys>
      </QueryClientProvider>
    </MantineProvider>
  );
}
