import { defineConfig, type Plugin } from 'vite';
import react from '@vitejs/plugin-react';
import { fixtures } from './fixtures/server.ts';

/** The policy that the server sends with the page, so that what would be refused there is refused here. */
export const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Answers /api from fixtures, for work without a server. */
function answers(): Plugin {
  return {
    name: 'fixtures',
    configureServer: (server) => void server.middlewares.use(fixtures()),
    configurePreviewServer: (server) => void server.middlewares.use(fixtures()),
  };
}

const server = process.env.PLUMBLINE ?? 'http://127.0.0.1:7420';
const behind = { '/api': server, '/auth': server };

// Modes: development proxies /api to a server at PLUMBLINE (default http://127.0.0.1:7420); fixtures needs none.
export default defineConfig(({ mode }) => ({
  plugins: [react(), ...(mode === 'fixtures' ? [answers()] : [])],
  server: { port: 5173, proxy: mode === 'fixtures' ? undefined : behind },
  preview: { port: 4173, proxy: mode === 'fixtures' ? undefined : behind, headers: { 'Content-Security-Policy': policy } },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // a data: address of a script or font would not pass the policy
    emptyOutDir: true,
    manifest: true,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        // What every page needs in one file, so that a new page costs one more request and not six.
        manualChunks: (id: string) =>
          /node_modules\/(react|react-dom|scheduler|@tanstack\/(react-query|query-core|react-router|router-core|history|react-store|store))\//.test(id) ? 'frame' : undefined,
      },
    },
  },
  test: { include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'fixtures/**/*.test.ts'], environment: 'node' },
}));
