/** What was minted for the app's organization or for the app; else flyctl mints. */
import type { MintedTokens } from "../../minting/MintedTokens.ts"
import type { TokenSource } from "../../services/TokenSource.ts"

export const make = (minted: Pick<MintedTokens, "acquire">): TokenSource => ({
  name: "cli",
  persist: true,
  acquire: minted.acquire
})
