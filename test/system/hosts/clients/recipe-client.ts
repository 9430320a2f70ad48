import type { HostClient } from 'stream-connection-manager/testing'

/** A client of a recipe's, which knows of its server's heartbeat. */
export interface RecipeClient extends HostClient {
  /**
   * Resolves once the next heartbeat has come to this client, and the server has the client's answer if it wants one. Called before the
   * heart beats.
   */
  feelsBeat?(): Promise<void>
}
