/** Under which name what was minted for an organization is kept and leased. */

/** The one slug that is not the name of an organization: each login means its own by it. */
const personal = "personal"

const ofLogin = new RegExp(`^${personal}-[0-9a-f]{16}$`)

/**
 * The slug, with who asks behind it if it means another organization for each of them. `undefined` if nobody can tell who
 * asks: then nothing is shared.
 */
export const nameOf = (slug: string, login: string | undefined): string | undefined => {
  if (slug !== personal) return slug
  return login === undefined ? undefined : `${personal}-${login}`
}

/** Whether the slug means another organization for each login. */
export const isByLogin = (slug: string): boolean => slug === personal

/** The slug of a record's organization, for people. */
export const slugOf = (name: string): string => ofLogin.test(name) ? personal : name
