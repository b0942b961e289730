/** Whose token, and for what. */
import type { AppName } from "./AppName.ts"

/** What a token is for. `read`: all reading of an app. */
export type Access = "read"

export interface TokenKey {
  readonly app: AppName
  readonly access: Access
}

export const of = (app: AppName, access: Access = "read"): TokenKey => ({ app, access })

/** The key as a text, for maps. That of `read` is the app's name. */
export const id = ({ access, app }: TokenKey): string => access === "read" ? app : `${app}/${access}`
