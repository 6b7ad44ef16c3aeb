// A certified identity provider on the loopback address, for the tests of signing in.
//
// Its one argument is a JSON file: {"port", "home", "client", "secret", "kid", "users"}. `users` is a
// second JSON file, from login to claims, read anew at every sign-in, so that a test may change what
// somebody is. Keys are made at every start, under the name `kid`.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const { Provider } = await import(pathToFileURL(settings.library).href);
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), kid: settings.kid, use: 'sig', alg: 'RS256' };

const provider = new Provider(`http://127.0.0.1:${settings.port}`, {
  clients: [{
    client_id: settings.client,
    client_secret: settings.secret,
    redirect_uris: [`${settings.home}/sign-in/oidc/answer`],
    post_logout_redirect_uris: [`${settings.home}/sign-in?out=1`],
  }],
  jwks: { keys: [key] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  claims: { openid: ['sub', 'groups', 'akut'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true, methods: ['S256'] },
  ttl: { AccessToken: 60, AuthorizationCode: 60, IdToken: 60, Interaction: 600, Session: 600, Grant: 600 },
  findAccount: (_ctx, id) => ({
    accountId: id,
    claims: () => ({ sub: id, ...JSON.parse(readFileSync(settings.users, 'utf8'))[id] }),
  }),
});
provider.listen(settings.port, '127.0.0.1', () => console.log('ready'));
