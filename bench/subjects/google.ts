import { OAuth2Client } from "google-auth-library"
import { byKey, type Subject } from "./Client.ts"
import * as Source from "./Source.ts"

const tokenOf = (answer: unknown): string => (answer as { readonly token: string }).token

export const googleHandler: Subject = {
  name: "Google refreshHandler",
  open: async (source) => ({
    ...byKey(() => {
      const client = new OAuth2Client()
      client.refreshHandler = async () => {
        const { expiresAt, value } = await Source.call(source)
        return { access_token: value, expiry_date: expiresAt }
      }
      return () => client.getAccessToken()
    }),
    tokenOf
  })
}

export const googleRefreshToken: Subject = {
  name: "Google refresh_token",
  open: async (source) => {
    const clients = new Map<string, OAuth2Client>()
    return {
      ...byKey((key) => {
        // Google's endpoint, without the network.
        const endpoint: typeof fetch = async () => {
          const { life, value } = await Source.call(source)
          return Response.json({ access_token: value, expires_in: life / 1000, token_type: "Bearer" })
        }
        const client = new OAuth2Client({
          clientId: "bench",
          clientSecret: "none",
          credentials: { refresh_token: `refresh-${key}` },
          transporterOptions: { fetchImplementation: endpoint, retryConfig: { retry: 0, noResponseRetries: 0 } }
        })
        clients.set(key, client)
        return () => client.getAccessToken()
      }),
      tokenOf,
      replace: async (key) => {
        const { credentials } = await clients.get(key)!.refreshAccessToken()
        return { token: credentials.access_token }
      }
    }
  }
}
