import { send } from '../../api/http.ts';

/** Whether this browser can use passkeys here: it has to know them, and the address has to be a safe one. */
export const canPasskey = typeof window.PublicKeyCredential === 'function' && 'parseRequestOptionsFromJSON' in window.PublicKeyCredential;

/** Signs in by a passkey that the person chooses. */
export async function enterPasskey() {
  const { options } = await send<{ options: PublicKeyCredentialRequestOptionsJSON }>('POST', '/api/session/passkey/begin');
  const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  await send('POST', '/api/session/passkey', { credential: (credential as PublicKeyCredential).toJSON() });
}

/** Adds a passkey under a name. */
export async function addPasskey(name: string) {
  const { options } = await send<{ options: PublicKeyCredentialCreationOptionsJSON }>('POST', '/api/account/passkeys/begin');
  const credential = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  await send('POST', '/api/account/passkeys', { name, credential: (credential as PublicKeyCredential).toJSON() });
}
