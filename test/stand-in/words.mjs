/**
 * What flyctl v0.4.87 says when a call fails, word for word, by the mode of the stand-in.
 */

const query = "query($slug: String!) { organization(slug: $slug) { id internalNumericId slug } }"
const post = "Post \"https://api.fly.io/graphql\": "

/**
 * Why a question to Fly's API failed. The same words stand before each of them.
 * @type {Record<string, string>}
 */
const causes = {
  "refused-connection": `${post}dial tcp 77.83.140.26:443: connect: connection refused`,
  "no-dns": `${post}dial tcp: lookup api.fly.io on 127.0.0.53:53: no such host`,
  "no-answer": `${post}dial tcp 77.83.140.26:443: i/o timeout`,
  "bad-certificate": `${post}tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  "no-proxy": `${post}proxyconnect tcp: dial tcp 10.0.0.1:3128: connect: connection refused`,
  "html": "decoding response: invalid character '<' looking for beginning of value",
  "http-403": "server returned a non-200 status code: 403",
  "http-429": "server returned a non-200 status code: 429",
  "http-503": "server returned a non-200 status code: 503",
  "not-authenticated": "You must be authenticated to view this.",
  "not-a-member": "Not authorized to access this organization"
}

/**
 * Why the Machines API failed, which `status` asks too.
 * @type {Record<string, string>}
 */
const machines = {
  "machines-401": "Authenticate: token validation error",
  "machines-403": "forbidden",
  "machines-429": "rate limit exceeded",
  "machines-500": "request returned non-2xx status: 500",
  "machines-html": "failed decoding response: invalid character '<' looking for beginning of value"
}

/**
 * Why a mint failed.
 * @type {Record<string, string>}
 */
const mints = {
  "refused": "input:3:2: createLimitedAccessToken Not authorized to access this createlimitedaccesstoken\n",
  "mint-429": "returned error 429: {\"error\":\"slow down\"}",
  "mint-html": "invalid character '<' looking for beginning of value"
}

/** @type {(name: string) => string} */
export const unknownApp = (name) => `Error: failed retrieving app ${name}: failed to run ${query}: Could not find App`

/** @type {(slug: string) => string} */
export const unknownOrg = (slug) => orgStep(slug, "Could not find Organization")

/** @type {(slug: string, cause: string) => string} */
const orgStep = (slug, cause) =>
  `Error: failed retrieving org failed retrieving organization with slug ${slug}: failed to run ${query}: ${cause}`

/**
 * Whether a mode is about what Fly answers.
 * @type {(mode: string) => boolean}
 */
export const isAnswer = (mode) => [causes, machines, mints].some((modes) => Object.hasOwn(modes, mode))

/**
 * What stands on stderr in a mode, if it is one of those above.
 * @type {(mode: string, call: { readonly command: string, readonly app: string | undefined, readonly org: string | undefined }) => string | undefined}
 */
export const failureIn = (mode, { app, command, org }) => {
  const cause = causes[mode]
  if (cause !== undefined) {
    if (command === "apps") {
      return `Error: failed to run query($after: String) { apps(first: 200) { nodes { id } } }: ${cause}`
    }
    return org === undefined
      ? `Error: failed retrieving app ${app}: failed to run ${query}: ${cause}`
      : orgStep(org, cause)
  }
  if (machines[mode] !== undefined) return `Error: failed to list active VMs: ${machines[mode]}`
  return mints[mode] === undefined ? undefined : `Error: failed creating token: ${mints[mode]}`
}
