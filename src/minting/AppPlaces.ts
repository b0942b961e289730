/** Fly's numbers of the organizations and apps, as far as tokens that were minted for them tell. */
import type { AppName } from "../token/AppName.ts"
import type { FlyToken } from "../token/FlyToken.ts"
import * as Grants from "../token/Grants.ts"

export interface AppPlaces {
  readonly of: (app: AppName) => Grants.Place | undefined
  /** Takes the numbers out of a token that was minted for the app, or for the organization that Fly said it is in. */
  readonly learn: (app: AppName, minted: FlyToken) => void
  /** What was learned may be wrong: the app may have moved. */
  readonly forget: (app: AppName) => void
}

export const make = (): AppPlaces => {
  const places = new Map<AppName, Grants.Place>()
  /** The apps of an organization share what its token says. */
  const told = new WeakMap<FlyToken, Grants.Place>()
  return {
    of: (app) => places.get(app),
    learn: (app, minted) => {
      const place = told.get(minted) ?? Grants.placeOf(minted)
      told.set(minted, place)
      if (place.org !== undefined || place.app !== undefined) places.set(app, place)
    },
    forget: (app) => {
      places.delete(app)
    }
  }
}
