/**
 * Takes every TypeScript example out of README, docs and doc comments, reads it with the compiler against the built
 * package, and runs those that are whole programs, with the stand-ins for flyctl and for Fly's APIs in a temp home, and
 * those that are tests for Vitest, with Vitest.
 */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
// Inside of the package, so that the examples find it by its name.
const folder = join(root, ".docs-check")

const filesBelow = (directory: string, ending: string): ReadonlyArray<string> =>
  readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(directory, name))

const sources = [
  join(root, "README.md"),
  // The reference is made from the doc comments.
  ...filesBelow(join(root, "docs"), ".md").filter((file) => !file.startsWith(join(root, "docs", "api"))),
  ...filesBelow(join(root, "src"), ".ts")
]

/** Programs that need a service run where the environment says that there is one. */
const services = ["REDIS_URL", "DATABASE_URL"]

interface Example {
  readonly from: string
  readonly file: string
  readonly code: string
}

const isVitest = (code: string): boolean => / from "(?:@effect\/)?vitest"$/m.test(code)

const examples: Array<Example> = []
for (const source of sources) {
  const text = readFileSync(source, "utf8")
  const from = relative(root, source)
  for (const [n, match] of [...text.matchAll(/^( *\* |)```ts\n([\s\S]*?)^( *\* |)```$/gm)].entries()) {
    const inComment = match[1] !== ""
    const code = match[2]!.split("\n").map((line) => inComment ? line.replace(/^ *\* ?/, "") : line).join("\n")
    examples.push({
      from,
      code,
      file: `${from.replaceAll(/[^A-Za-z0-9]+/g, "-")}-${n + 1}${isVitest(code) ? ".test" : ""}.ts`
    })
  }
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
const home = mkdtempSync(join(tmpdir(), "fly-tokens-docs-"))
// It refuses the first token that it sees: a program that does not get over that is none to show.
const apis = spawn(process.execPath, [join(root, "test", "stand-in", "machines.mjs"), "--dead-first"], {
  stdio: ["ignore", "pipe", "inherit"]
})
try {
  for (const { code, file } of examples) writeFileSync(join(folder, file), `${code}\nexport {}\n`)
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../tsconfig.json",
      compilerOptions: { noUnusedLocals: false, plugins: [] },
      include: ["*.ts"]
    })
  )
  execFileSync(join(root, "node_modules", ".bin", "tsc"), ["-p", folder], { cwd: root, stdio: "inherit" })
  console.log(`${examples.length} examples compile`)

  symlinkSync(join(root, "test", "stand-in", "fly.mjs"), join(home, "flyctl"))
  const [apiUrl] = (await once(apis.stdout, "data")).map((line) => String(line).trim())
  const environment = {
    HOME: home,
    PATH: `${home}:${dirname(process.execPath)}:/usr/bin:/bin`,
    FLY_FLAPS_BASE_URL: apiUrl,
    FLY_API_BASE_URL: apiUrl
  }
  const programs = examples.filter(({ code }) =>
    !isVitest(code) && /runMain|runPromise|\.get\("my-app"\)\.then|suite\(test, mine/.test(code)
  )
  if (programs.length === 0) throw new Error("no example is a program: the README lost its first one")
  for (const { code, file, from } of programs) {
    const needed = services.filter((service) => code.includes(service))
    const missing = needed.filter((service) => process.env[service] === undefined)
    if (missing.length > 0) {
      console.log(`${from} (${file}) skipped: ${missing.join(", ")} does not say where the service is`)
      continue
    }
    const printed = execFileSync(process.execPath, [join(folder, file)], {
      cwd: home,
      env: { ...environment, ...Object.fromEntries(needed.map((service) => [service, process.env[service]])) },
      encoding: "utf8"
    })
    if (/fm2_|fo1_/.test(printed)) throw new Error(`${file} prints a secret`)
    if (/UNAUTHORIZED|Authenticate:/.test(printed)) throw new Error(`${file} was refused`)
    const lines = printed.trim().split("\n")
    console.log(`${from} (${file}) runs: ${lines.slice(-8).join("\n")}`)
  }

  const tests = examples.filter(({ code }) => isVitest(code))
  writeFileSync(
    join(folder, "vitest.config.ts"),
    "export default { test: { include: [\"*.test.ts\"], testTimeout: 60_000 } }\n"
  )
  const report = join(folder, "report.json")
  execFileSync(join(root, "node_modules", ".bin", "vitest"), [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`
  ], { cwd: folder, stdio: "inherit" })
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, "utf8"))
  if (testResults.length !== tests.length || numPassedTests < tests.length) {
    throw new Error(`${numPassedTests} tests of ${testResults.length} examples ran, there are ${tests.length} examples`)
  }
} finally {
  apis.kill()
  rmSync(folder, { recursive: true, force: true })
  rmSync(home, { recursive: true, force: true })
}
