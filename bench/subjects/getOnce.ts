/**
 * Gets the token of an app, once, when it reads something, and prints a hash of it: `node getOnce.ts APP`.
 */
import { createHash } from "node:crypto"
import { exit } from "node:process"
import { createFlyTokens } from "../../dist/promise.js"

const tokens = createFlyTokens({ org: "acme" })
console.log("ready")
await new Promise((resolve) => process.stdin.once("data", resolve))
const { token } = await tokens.get(process.argv[2] ?? "")
console.log(createHash("sha256").update(token.value).digest("hex"))
// A store that is being written to is waited for.
await tokens.close()
exit()
