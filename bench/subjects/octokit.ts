import { createAppAuth } from "@octokit/auth-app"
import { keyed, type Subject } from "./Client.ts"
import * as Source from "./Source.ts"

type Authenticate = ReturnType<typeof createAppAuth>

/** It coalesces by the installation's number for the whole process. */
let installations = 0

/** GitHub's endpoint, without the network. */
const endpoint = (source: Source.Source) => async () => {
  const { expiresAt, value } = await Source.call(source)
  return {
    data: {
      token: value,
      expires_at: new Date(expiresAt).toISOString(),
      permissions: { contents: "read" },
      repository_selection: "all"
    }
  }
}

export const octokit: Subject = {
  name: "octokit auth-app",
  open: async (source) => {
    const ids = new Map<string, number>()
    const authenticate: Authenticate = createAppAuth({
      appId: 1,
      // What signs is not what is measured.
      createJwt: async () => ({ jwt: "none", expiresAt: new Date(Date.now() + 600_000).toISOString() }),
      request: endpoint(source) as never
    })
    const idOf = (key: string): number => {
      const id = ids.get(key) ?? ++installations
      ids.set(key, id)
      return id
    }
    return {
      ...keyed((key) => authenticate({ type: "installation", installationId: idOf(key) })),
      one: (key) => {
        const installationId = idOf(key)
        return () => authenticate({ type: "installation", installationId })
      },
      tokenOf: (answer) => (answer as { readonly token: string }).token,
      replace: (key) => authenticate({ type: "installation", installationId: idOf(key), refresh: true })
    }
  }
}
