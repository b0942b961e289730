/**
 * A Redis and a PostgreSQL of one's own, in a temp folder and on ports of their own: real servers that can be stopped
 * and started. They need the programs (`redis-server`, PostgreSQL's `initdb` and `postgres`) and nothing set up.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

export interface Server {
  readonly url: string
  readonly start: () => Promise<void>
  /** Ends it, politely or with a signal. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<void>
  /** Stops it and removes what it wrote. */
  readonly remove: () => Promise<void>
}

const onPath = (name: string, more: ReadonlyArray<string> = []): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), ...more].map((folder) => join(folder, name)).find((path) =>
    existsSync(path)
  )

const debian = "/usr/lib/postgresql"

const postgresFolders = () =>
  existsSync(debian) ? readdirSync(debian).sort().toReversed().map((version) => join(debian, version, "bin")) : []

/** The programs, or `undefined` where they are not installed. */
export const programs = {
  redis: onPath("redis-server", ["/usr/sbin"]),
  initdb: onPath("initdb", postgresFolders()),
  postgres: onPath("postgres", postgresFolders())
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => resolve(true))
    socket.once("error", () => resolve(false))
    socket.once("connect", () => socket.destroy())
  })

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  // Other processes have no clock that could be moved: it is looked again and again.
  for (let n = 0; n < 300; n++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${what} did not come up`)
}

interface Recipe {
  readonly what: string
  readonly port: number
  readonly url: string
  readonly folder: string
  readonly spawn: () => ChildProcess
  readonly politely: NodeJS.Signals
  readonly ready: () => Promise<boolean>
}

const serverOf = ({ folder, politely, port, ready, spawn, url, what }: Recipe): Server => {
  let child: ChildProcess | undefined
  const stop = async (signal: NodeJS.Signals = politely) => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const exit = once(running, "exit")
    running.kill(signal)
    await exit
    await until(`${what}'s end`, async () => !(await answers(port)))
  }
  return {
    url,
    start: async () => {
      child = spawn()
      await until(what, ready)
    },
    stop,
    remove: async () => {
      await stop("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

export const redis = async (): Promise<Server> => {
  const program = programs.redis
  if (program === undefined) throw new Error("redis-server is not installed")
  const folder = mkdtempSync(join(tmpdir(), "fly-tokens-redis-"))
  const port = await freePort()
  return serverOf({
    what: "Redis",
    port,
    folder,
    url: `redis://127.0.0.1:${port}`,
    spawn: () =>
      spawn(
        program,
        ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "yes"],
        { stdio: "ignore" }
      ),
    politely: "SIGTERM",
    ready: () => answers(port)
  })
}

/** PostgreSQL does not run as root: then it gets the user that its package made. */
const postgresUser = (): { readonly uid: number; readonly gid: number } | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync("/etc/passwd", "utf8").split("\n").find((line) => line.startsWith("postgres:"))
  const [, , uid, gid] = line?.split(":") ?? []
  if (uid === undefined || gid === undefined) throw new Error("there is no user postgres to run it as")
  return { uid: Number(uid), gid: Number(gid) }
}

export const postgres = async (): Promise<Server> => {
  const { initdb, postgres } = programs
  if (initdb === undefined || postgres === undefined) throw new Error("PostgreSQL is not installed")
  const user = postgresUser()
  const folder = mkdtempSync(join(tmpdir(), "fly-tokens-postgres-"))
  const data = join(folder, "data")
  mkdirSync(data, { mode: 0o700 })
  if (user !== undefined) { for (const path of [folder, data]) chownSync(path, user.uid, user.gid) }
  execFileSync(initdb, ["-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"], {
    stdio: "ignore",
    cwd: folder,
    ...user
  })
  const port = await freePort()
  return serverOf({
    what: "PostgreSQL",
    port,
    folder,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    spawn: () =>
      spawn(postgres, ["-D", data, "-p", String(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"], {
        stdio: "ignore",
        cwd: folder,
        ...user
      }),
    // "Fast": ends its connections.
    politely: "SIGINT",
    ready: async () => (await answers(port)) && readFileSync(join(data, "postmaster.pid"), "utf8").includes("ready")
  })
}
