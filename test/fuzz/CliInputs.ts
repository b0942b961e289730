/**
 * What a child may print: flyctl's answers and errors, other programs' outputs, and what a program prints that means harm.
 */
import * as fc from "fast-check"
import type { Ended } from "../../src/layers/program/Program.ts"
import { changedText, controls } from "./Bytes.ts"
import { mintedToken, tokenText } from "./TokenInputs.ts"

/** How a child ended, what must not be told of it, and which token it printed, where that is known. */
export interface CliInput {
  readonly ended: Ended
  readonly secrets: ReadonlyArray<string>
  readonly minted?: string
}

const noiseLines = [
  "",
  "\u001b[36mDEBUG\u001b[0m --> POST https://api.fly.io/graphql",
  "Error loading config While parsing config: yaml: line 3: x",
  "Warning: Metrics token unavailable: context canceled",
  "{not json",
  "[1,2]",
  "{}",
  "<html><body>502 Bad Gateway</body></html>",
  "Create Fly.io API tokens\n\nUsage:\n  fly tokens create [command]",
  "[".repeat(2_000),
  "{\"a\":".repeat(1_000),
  "{\n".repeat(300),
  "x".repeat(5_000)
]

const answers: ReadonlyArray<(token: string) => string> = [
  (it) => `{\n    "token": ${JSON.stringify(it)}\n}\n`,
  (it) => `{"token":${JSON.stringify(it)}}`,
  (it) => `{"token":"no","token":${JSON.stringify(it)}}`,
  (it) => `{"__proto__":{"token":${JSON.stringify(it)}}}`,
  (it) => `{"Token":${JSON.stringify(it)}}`,
  (it) => `[{"token":${JSON.stringify(it)}}]`,
  (it) => `{"token":[${JSON.stringify(it)}]}`,
  (it) => `{"token":${JSON.stringify(`${it}\r\nX-Evil: 1`)}}`,
  (it) => `{"token":${JSON.stringify(`${it}\0`)}}`,
  (it) => it,
  (it) => `FlyV1 ${it}\n`
]

const reports = [
  "{\"Name\":\"flyctl\",\"Version\":\"0.4.87\"}",
  "{\"Name\":\"flyctl\",\"Version\":\"1;rm -rf /\"}",
  "{\"Name\":\"fly\",\"Version\":\"7.1.0\"}",
  "{\"Organization\":{\"Slug\":\"acme\"}}",
  "{\"Organization\":{\"Slug\":\"--config\"}}",
  "{\"Organization\":{\"Slug\":\"../../etc\"}}",
  "{\"Organization\":{\"Slug\":1e999}}",
  "[{\"Name\":\"a\",\"Organization\":{\"Slug\":\"acme\"}}]",
  "[{\"Name\":\"__proto__\",\"Organization\":{\"Slug\":\"acme\"}},{\"Name\":\"a\\u0000b\",\"Organization\":{\"Slug\":\"\"}}]",
  "[]",
  "null",
  "1e400",
  "\"text\""
]

const errors = [
  "Error: no access token available. Please login with 'flyctl auth login'",
  "Error: No access token available. Please login with 'flyctl auth login'",
  "Error: failed retrieving org slug argument must be specified when not running interactively",
  "Error: failed retrieving org failed retrieving organization with slug X: not found",
  "Error: failed creating token: input:3: createLimitedAccessToken Not authorized to access this",
  "Error: x You must be authenticated to view this.",
  "Error: server returned a non-200 status code: 401",
  "Error: returned error 99999999999: {}",
  "Error: invalid argument \"30d\" for \"-x, --expiry\" flag: time: unknown unit",
  "Error: unknown flag: --json",
  "Error: context deadline exceeded",
  "Error: Could not find App \"my-app\"",
  "panic: runtime error: index out of range",
  "error: ",
  "ERROR:",
  "Error: ".repeat(500),
  "\u001b[31mError:\u001b[0m failed"
]

const fillings = [
  ...controls,
  "{",
  "}",
  "[",
  "]",
  "\"",
  "\\",
  ":",
  ",",
  "\\u0000",
  "Error: ",
  "panic:",
  "{".repeat(200)
]

const line = fc.oneof(
  { arbitrary: fc.constantFrom(...noiseLines, ...reports), weight: 3 },
  { arbitrary: fc.constantFrom(...errors), weight: 3 },
  { arbitrary: fc.string({ unit: "binary", maxLength: 60 }), weight: 1 },
  { arbitrary: fc.json({ maxDepth: 3 }), weight: 1 }
)

const exitCode = fc.oneof(fc.constantFrom(0, 1, 2, 3, 126, 127), fc.integer({ min: 0, max: 255 }))

const success: fc.Arbitrary<CliInput> = fc.tuple(
  mintedToken,
  fc.constantFrom(answers[0]!, answers[1]!, answers[2]!),
  fc.subarray(noiseLines.slice(0, 7))
).map(([it, way, before]) => ({
  ended: { exitCode: 0, stdout: [...before, way(it)].join("\n"), stderr: "Warning: Metrics token unavailable" },
  secrets: [it],
  minted: it
}))

const any: fc.Arbitrary<CliInput> = fc.tuple(
  fc.oneof({ arbitrary: mintedToken, weight: 3 }, { arbitrary: tokenText, weight: 1 }),
  fc.constantFrom(...answers),
  fc.array(line, { maxLength: 3 }),
  fc.array(line, { maxLength: 2 }),
  fc.array(line, { maxLength: 4 }),
  exitCode
).chain(([it, way, before, after, told, code]) =>
  fc.tuple(
    changedText(fc.constant([...before, way(it), ...after].join("\n")), fillings),
    changedText(fc.constant([...told, `Error: ${it}`].join("\n")), fillings)
  ).map(([stdout, stderr]) => ({ ended: { exitCode: code, stdout, stderr }, secrets: it.split(",") }))
)

const report: fc.Arbitrary<CliInput> = fc.tuple(fc.constantFrom(...reports), fc.array(line, { maxLength: 2 }), exitCode)
  .chain(([text, before, code]) =>
    changedText(fc.constant([...before, text].join("\n")), fillings).map((stdout) => ({
      ended: { exitCode: code, stdout, stderr: "" },
      secrets: []
    }))
  )

export const cliInput: fc.Arbitrary<CliInput> = fc.oneof(
  { arbitrary: success, weight: 1 },
  { arbitrary: any, weight: 4 },
  { arbitrary: report, weight: 1 }
)
