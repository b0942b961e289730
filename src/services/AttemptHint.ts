/**
 * What to do about a reason, where that depends on the source that has it: who renews an expired token is not the same for
 * a variable and for flyctl's config file.
 */
import type { MissReason } from "./MissReason.ts"
import type { SourceName } from "./SourceName.ts"

type BySource = Partial<Record<SourceName, string>>

const replaced = "nothing to do, if another source gives a token: the next one that is minted takes its place"
const renewed =
  "nothing to do, if `cli` gives a token: flyctl renews this one for minutes whenever it runs; `fly auth login` if it fails"
const variable = "put a new token into the variable, or unset it"
const setAgain = "set a new one (`fly-tokens set`)"

const readable = "let this user read it, or mend it"

const hints: Partial<Record<MissReason["_tag"], BySource>> = {
  Unreadable: {
    file: readable
  },
  Expired: {
    env: variable,
    storage: replaced,
    config: renewed,
    cli: "it was minted just now: set this machine's clock",
    manual: `${setAgain}; if it is new, set this machine's clock`
  },
  Undischarged: {
    storage: replaced,
    config: renewed,
    cli:
      "no other is minted for a day, except after `fly auth login` or by `fly-tokens get APP --refresh`; if it stays so, the organization wants a single sign-on"
  },
  Malformed: {
    storage: replaced,
    config: "run `fly auth login`, which writes the file anew"
  },
  Rejected: {
    env: `it was revoked, or lacks rights for this app: ${variable}`,
    storage: replaced,
    config: "it was revoked, or lacks rights for this app: run `fly auth login`",
    cli: "try again; if it stays so, run `fly auth login`",
    manual: `it was revoked, or lacks rights for this app: ${setAgain}`
  }
}

/** A source of a user's own may be called as what every object has. */
const own = (bySource: BySource | undefined, source: SourceName): string | undefined =>
  bySource !== undefined && Object.hasOwn(bySource, source) ? bySource[source] : undefined

/**
 * What to do about what a source answered: the hint of the reason, or a better one where the source is known.
 *
 * @category accessors
 * @since 0.1.0
 * @stability stable
 */
export const hintOf = ({ reason, source }: { readonly source: SourceName; readonly reason: MissReason }): string =>
  own(hints[reason._tag], source) ?? reason.hint
