import type { HostedManager } from '../../../../src/testing/host.ts'
import type { HostTestName } from '../../../../src/testing/host-tests.ts'
import { MemoryHost, type MemoryClient, type MemoryConnection } from '../memory-host.ts'

/** A fault of a host, the test that detects it, and the error message of that test. */
export interface Fault {
  readonly test: HostTestName
  readonly what: string
  readonly Host: new () => MemoryHost
  readonly says: RegExp
}

export type Handle = MemoryConnection

/** Hosts that are correct except for their clients and those clients' sockets. */
export function withClients(Client: new () => MemoryClient): new () => MemoryHost {
  return class extends MemoryHost {
    override client(): MemoryClient {
      return new Client()
    }
  }
}

/** Hosts that are correct except for their manager. */
export function withManager(change: (host: MemoryHost) => Partial<HostedManager>): new () => MemoryHost {
  return class extends MemoryHost {
    override get manager(): HostedManager {
      return { ...super.manager, ...change(this) }
    }
  }
}

/** Hosts that are correct, but whose clients or harness lack a method. */
export function without(method: 'ask' | 'send' | 'sendBytes' | 'freeze' | 'closedWith' | 'connectAndLeave' | 'beat'): new () => MemoryHost {
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
