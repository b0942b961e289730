/** A `fly` command that does what the test says. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { FlyCli, type FlyCliReason } from "../../services/FlyCli.ts"
import type { FlyToken } from "../../token/FlyToken.ts"
import * as Script from "./Script.ts"
import * as TestToken from "./TestToken.ts"

/**
 * One mint that began.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export interface Mint {
  /** What the token is for. */
  readonly mintFor: "organization" | "app"
  /** The organization's slug, or the app. */
  readonly name: string
  /** Epoch milliseconds. */
  readonly at: number
  /** The life that was asked for. */
  readonly ttl: Duration.Duration
  /** Whether flyctl saw the token of the environment. */
  readonly environmentToken: boolean
}

/**
 * What a mint comes to, for all or by name: of the organization, or of the app if tokens are minted by app.
 *
 * @category models
 * @since 0.1.0
 * @stability stable
 */
export type FlyCliScript = Script.Script<FlyToken, FlyCliReason, Mint>

/** A number for a slug, as Fly has one, so that tokens of different organizations tell so. */
const idOf = (slug: string): number => [...slug].reduce((id, letter) => (id * 31 + letter.charCodeAt(0)) % 1_000_003, 7)

const minted = ({ mintFor, name, ttl }: Mint): Effect.Effect<FlyToken> =>
  TestToken.make(mintFor === "app" ? { app: idOf(name), life: ttl } : { org: idOf(name), life: ttl })

/**
 * Steers the scripted `fly` command.
 *
 * **Details**
 *
 * Without a script each mint is answered at once with a new token of the life asked for. Each app is in an organization
 * of its own that has the app's name, so that outcomes by name are outcomes by app; the option `org` of the resolver
 * puts apps into one organization, whose token they share.
 *
 * @category services
 * @since 0.1.0
 * @stability stable
 */
export class TestFlyCli extends Context.Service<TestFlyCli, Script.Steering<FlyCliScript, Mint>>()(
  "effect-fly-tokens/testing/TestFlyCli"
) {
  /** A command that follows a script. */
  static layer(script?: FlyCliScript): Layer.Layer<FlyCli | TestFlyCli> {
    return Layer.effectContext(Effect.sync(() => {
      const { play, steering } = Script.player<FlyToken, FlyCliReason, Mint>(script)
      return Context.make(TestFlyCli, steering).pipe(Context.add(FlyCli, {
        mintReadonly: (name, options) => play({ mintFor: "organization", name, ...options }, minted),
        mintDeploy: (name, options) => play({ mintFor: "app", name, ...options }, minted),
        listApps: () => Effect.succeed(new Map()),
        orgOf: (app) => Effect.succeed<string>(app)
      }))
    }))
  }

  /** Another script from now on, from its start; `undefined` for none. What is under way goes on. */
  static setScript(script: FlyCliScript | undefined): Effect.Effect<void, never, TestFlyCli> {
    return TestFlyCli.use((cli) => cli.setScript(script))
  }

  /** The mints that began so far. */
  static readonly mints: Effect.Effect<ReadonlyArray<Mint>, never, TestFlyCli> = TestFlyCli.use((cli) => cli.calls)
}
