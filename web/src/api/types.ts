import type { components } from './schema.d.ts';

/** A type of the API by its name in openapi.json: Schema<'Repository'>. A change of the API that the interface does not follow does not build. */
export type Schema<K extends keyof components['schemas']> = components['schemas'][K];
