#!/usr/bin/env node
/**
 * A stand-in for Fly's APIs, without an account: `GET /v1/apps/:app/machines` of the Machines API, and `POST /graphql`.
 * Used by the tests and by the check of the docs.
 *
 * It takes tokens as Fly does, as far as that can be seen from outside: scheme `FlyV1`, all of it decodable, every
 * third-party caveat discharged, nothing expired; and not dead. It refuses one with 401 and
 * `Authenticate: token validation error`, or 200 with the code `UNAUTHORIZED`.
 *
 * `node machines.mjs [PORT]` prints its URL. With `--dead-first` the first token that it sees is dead, as one is that
 * somebody revoked.
 */
import { decode } from "@msgpack/msgpack"
import { createServer } from "node:http"
import { argv, stdout } from "node:process"
import { fileURLToPath } from "node:url"
import { authLocation, permissionLocation } from "./macaroon.mjs"

/** @typedef {{ kid: Uint8Array, location: string, caveats: ReadonlyArray<unknown> }} Macaroon */

/** @type {(piece: string) => Macaroon} */
const read = (piece) => {
  if (!/^fm2_[A-Za-z0-9+/]+=*$/.test(piece)) throw new Error("no macaroon")
  const [nonce, location, caveats, tail] = /** @type {any} */ (decode(Buffer.from(piece.slice(4), "base64")))
  if (!(tail instanceof Uint8Array) || tail.length !== 32) throw new Error("no macaroon")
  return { kid: nonce[0], location, caveats }
}

/** @type {(macaroon: Macaroon, type: number) => ReadonlyArray<any>} */
const bodies = ({ caveats }, type) => caveats.filter((_, n) => n % 2 === 1 && caveats[n - 1] === type)

/** @type {(macaroon: Macaroon, now: number) => boolean} */
const inItsTime = (macaroon, now) => bodies(macaroon, 4).every(([from, to]) => from <= now && now <= to)

/**
 * Whether the value of an `Authorization` header is a token that is good by itself. Only GraphQL takes user tokens
 * beside the macaroons.
 *
 * @type {(header: string, graphql: boolean) => boolean}
 */
const isGood = (header, graphql) => {
  if (!header.startsWith("FlyV1 ")) return false
  try {
    const now = Math.floor(Date.now() / 1000)
    const pieces = header.slice(6).split(",")
    const macaroons = pieces.filter((piece) => !graphql || !piece.startsWith("fo1_")).map(read)
    const discharges = macaroons.filter(({ location }) => location === authLocation)
    return macaroons.some((macaroon) =>
      macaroon.location === permissionLocation && inItsTime(macaroon, now) &&
      bodies(macaroon, 11).every(([, , ticket]) =>
        discharges.some((discharge) => Buffer.compare(discharge.kid, ticket) === 0 && inItsTime(discharge, now))
      )
    )
  } catch {
    return false
  }
}

/**
 * @typedef {{ method: string, path: string, host: string | undefined, authorization: string | undefined, body: string,
 *   status: number }} Request
 */

/** @type {(app: string) => ReadonlyArray<object>} */
const machinesOf = (app) => [
  { id: "3d8d9014b32d89", name: `${app}-1`, state: "started", region: "ams" },
  { id: "9185340f4d6383", name: `${app}-2`, state: "stopped", region: "iad" }
]

/**
 * Starts it on a free port of this machine.
 *
 * @param {{ port?: number, deadFirst?: boolean, isDead?: (header: string) => boolean, redirects?: Record<string, string> }} [options]
 *   `redirects`: path → where it redirects to
 */
export const start = async ({ deadFirst = false, isDead = () => false, port = 0, redirects = {} } = {}) => {
  /** @type {Array<Request>} */
  const requests = []
  /** @type {Set<string>} */
  const dead = new Set()
  let seen = false

  /** @type {(header: string | undefined, path: string) => boolean} */
  const accepts = (header, path) => {
    if (deadFirst && !seen && header !== undefined) dead.add(header)
    seen = seen || header !== undefined
    return header !== undefined && isGood(header, path === "/graphql") && !dead.has(header) && !isDead(header)
  }

  /** @type {(method: string, path: string, accepted: boolean) => { status: number, body: object }} */
  const answer = (method, path, accepted) => {
    const app = /^\/v1\/apps\/([a-z0-9-]+)\/machines$/.exec(path)?.[1]
    if (method === "POST" && path === "/graphql") {
      return {
        status: 200,
        body: accepted ? { data: { viewer: { email: "me@example.com" } } } : {
          data: null,
          errors: [{
            message: "You must be authenticated to view this.",
            extensions: { code: "UNAUTHORIZED" }
          }]
        }
      }
    }
    if (!accepted) return { status: 401, body: { error: "Authenticate: token validation error" } }
    if (app === undefined) return { status: 404, body: { error: "page not found" } }
    if (method === "GET") return { status: 200, body: machinesOf(app) }
    return { status: method === "POST" ? 200 : 405, body: { id: "148e4ed3c42089", state: "created" } }
  }

  const server = createServer((request, response) => {
    /** @type {Array<Buffer>} */
    const chunks = []
    request.on("data", (chunk) => chunks.push(chunk))
    request.on("end", () => {
      const { authorization, host } = request.headers
      const method = request.method ?? ""
      const path = request.url ?? ""
      const to = redirects[path]
      const { body, status } = to === undefined
        ? answer(method, path, accepts(authorization, path))
        : { status: 307, body: {} }
      requests.push({ method, path, host, authorization, body: Buffer.concat(chunks).toString(), status })
      response.writeHead(status, {
        "content-type": "application/json; charset=utf-8",
        ...(to === undefined ? {} : { location: to })
      })
      response.end(JSON.stringify(body))
    })
  })
  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** All that came, in order. */
    requests,
    /** Makes a token dead, by the `Authorization` header that carries it. */
    kill: (/** @type {string} */ header) => void dead.add(header),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined))
        server.closeAllConnections()
      })
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start({
    port: Number(argv.slice(2).find((arg) => /^\d+$/.test(arg)) ?? 0),
    deadFirst: argv.includes("--dead-first")
  })
  stdout.write(`${url}\n`)
}
