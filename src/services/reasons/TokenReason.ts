/** What is wrong with a token that a source has. */
import * as Schema from "effect/Schema"
import { told } from "../../token/Redaction.ts"
import { remedyOf } from "../../token/TokenText.ts"
import { optionName } from "../OptionName.ts"

const date = (millis: number): string => {
  // Years beyond 275,760 have no Date.
  const ended = new Date(millis)
  return Number.isNaN(ended.getTime()) ? `${millis}` : ended.toISOString()
}

/** The token has come to its end. */
export class Expired extends Schema.TaggedError<Expired>()("Expired", {
  /** Epoch milliseconds. */
  expiredAt: Schema.Finite
}) {
  override get message(): string {
    return `expired at ${date(this.expiredAt)}`
  }
  get hint(): string {
    return "put a new token there; if it is new, set this machine's clock"
  }
}

/** A macaroon lacks the discharge of a third party. */
export class Undischarged extends Schema.TaggedError<Undischarged>()("Undischarged", {
  /** Who has to discharge it. */
  locations: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return told`lacks the discharge of ${this.locations.join(", ") || "a third party"}`
  }
  get hint(): string {
    return "copy the whole token, all its comma-separated parts; Fly refuses it without them"
  }
}

/** The token is sound, and allows nothing for this app. */
export class Insufficient extends Schema.TaggedError<Insufficient>()("Insufficient", {
  /** What the token has nothing for. */
  lacks: Schema.Literals(["organization", "app"])
}) {
  override get message(): string {
    return this.lacks === "organization"
      ? "the token is for another organization than the app's"
      : "the token is for other apps"
  }
  get hint(): string {
    return "put a token there that is for this app or its organization, or none: another source may have one"
  }
}

/** What the source holds is no token. */
export class Malformed extends Schema.TaggedError<Malformed>()("Malformed", {
  /** A fixed sentence, nothing of the input. */
  why: Schema.String
}) {
  override get message(): string {
    return this.why.startsWith("flyctl ") ? told`${this.why}` : told`not a token: ${this.why}`
  }
  get hint(): string {
    return this.why.startsWith("flyctl ")
      ? `check which program is found as flyctl (\`fly version\`), or name it with option ${optionName("binary")}`
      : remedyOf(this.why)
  }
}

/** The token was refused by Fly a short while ago. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", {
  /** `FlyToken.fingerprint` of the token. */
  fingerprint: Schema.String
}) {
  override get message(): string {
    return told`token ${this.fingerprint} was refused by Fly`
  }
  get hint(): string {
    return "it was revoked, or lacks rights for this app: put a new token there"
  }
}

/** The token is the one that this call is to replace. */
export class NotNewer extends Schema.TaggedError<NotNewer>()("NotNewer", {
  /** `FlyToken.fingerprint` of the token. */
  fingerprint: Schema.String
}) {
  override get message(): string {
    return told`token ${this.fingerprint} is the one to be replaced`
  }
  get hint(): string {
    return "nothing to do: a refresh asks the next source"
  }
}
