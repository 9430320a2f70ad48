import type { HostedManager } from '../../../../src/testing/host.ts'
import type { HostTestName } from '../../../../src/testing/host-tests.ts'
import { MemoryHost, type MemoryClient, type MemoryConnection } from '../memory-host.ts'

/** One thing that a host does wrong, the test that is there to notice, and what that says. */
export interface Fault {
  readonly test: HostTestName
  readonly what: string
  readonly Host: new () => MemoryHost
  readonly says: RegExp
}

export type Handle = MemoryConnection

/** Hosts that are good, but for their clients and the sockets of these. */
export function withClients(Client: new () => MemoryClient): new () => MemoryHost {
  return class extends MemoryHost {
    override client(): MemoryClient {
      return new Client()
    }
  }
}

/** Hosts that are good, but for what their managers do. */
export function withManager(change: (host: MemoryHost) => Partial<HostedManager>): new () => MemoryHost {
  return class extends MemoryHost {
    override get manager(): HostedManager {
      return { ...super.manager, ...change(this) }
    }
  }
}

/** Hosts that are good, but for what their clients and harness cannot do. */
export function without(method: 'ask' | 'send' | 'sendBytes' | 'freeze' | 'connectAndLeave' | 'beat'): new () => MemoryHost {
  return class extends MemoryHost {
    constructor() {
      super()
      Object.defineProperty(this, method, { value: undefined })
    }
    override client(): MemoryClient {
      return Object.defineProperty(super.client(), method, { value: undefined })
    }
  }
}
