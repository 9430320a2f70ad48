import type { StreamReference } from '../../../../src/index.ts'
import { FakeSocket } from '../../../../src/testing/fake-socket.ts'
import { MemoryHost, type MemoryCommand } from '../memory-host.ts'
import { without, type Fault, type Handle } from './fault.ts'

function withCommands(carryOut: (host: MemoryHost, connection: Handle, command: MemoryCommand) => void): new () => MemoryHost {
  return class extends MemoryHost {
    override carryOut(connection: Handle, command: MemoryCommand): void {
      carryOut(this, connection, command)
      super.carryOut(connection, command)
    }
  }
}

/** A server that runs a command for every connection that it considers to be the sender's. */
function withSenders(sendersOf: (host: MemoryHost, sender: Handle, claims: MemoryCommand['claims']) => Iterable<Handle>): new () => MemoryHost {
  return class extends MemoryHost {
    override carryOut(sender: Handle, command: MemoryCommand): void {
      for (const connection of sendersOf(this, sender, command.claims)) super.carryOut(connection, command)
    }
  }
}

function* connectionsOf({ inner }: MemoryHost, userId: unknown): Iterable<Handle> {
  for (const connection of inner.connections()) if (connection.userId === userId) yield connection
}

const UNSUBSCRIBING = 'ends the subscription that a client gives up'
const COMMANDS = 'carries out what a client asks for that client alone'

export const commandingFaults: readonly Fault[] = [
  {
    test: UNSUBSCRIBING,
    what: 'a server that ignores unsubscribe commands',
    Host: class extends MemoryHost {
      override unsubscribe(): void {}
    },
    says: /Expected the manager to find \[2,1,2\] recipients of 3 messages, but it found \[3,1,2\]/,
  },
  {
    test: UNSUBSCRIBING,
    what: 'a server that unsubscribes the whole user',
    Host: withCommands((host, { userId }, { action, stream }) => {
      if (action === 'unsubscribe') for (const each of connectionsOf(host, userId)) each.unsubscribe(stream)
    }),
    says: /Expected the manager to find \[2,1,2\] .*, but it found \[1,1,2\]/,
  },
  {
    test: UNSUBSCRIBING,
    what: 'a server that releases all subscriptions',
    Host: class extends MemoryHost {
      override unsubscribe(connection: Handle): void {
        for (const { streamType, symbol } of this.inner.getUserSubscriptions(connection.userId)) connection.unsubscribe({ streamType, symbol })
      }
    },
    says: /Expected the manager to find \[2,1,2\] .*, but it found \[2,0,1\]/,
  },
  {
    test: UNSUBSCRIBING,
    what: 'a server that unsubscribes from public streams only',
    Host: class extends MemoryHost {
      override unsubscribe(connection: Handle, stream: StreamReference): void {
        if (stream.symbol !== null && stream.symbol !== undefined) super.unsubscribe(connection, stream)
      }
    },
    says: /Expected the manager to find \[2,1,1\] .*, but it found \[2,1,2\]/,
  },
  {
    test: UNSUBSCRIBING,
    what: 'a server that does not allow subscribing again',
    Host: class extends MemoryHost {
      readonly #givenUp = new Set<string | null | undefined>()
      override unsubscribe(connection: Handle, stream: StreamReference): void {
        this.#givenUp.add(stream.symbol)
        super.unsubscribe(connection, stream)
      }
      override subscribe(connection: Handle, stream: StreamReference): void {
        if (!this.#givenUp.has(stream.symbol)) super.subscribe(connection, stream)
      }
    },
    says: /Expected the manager to find \[3,0,1\] .*, but it found \[2,0,1\]/,
  },
  {
    test: UNSUBSCRIBING,
    what: 'a server that disconnects a client that unsubscribes',
    Host: withCommands((_, connection, { action }) => {
      if (action === 'unsubscribe') void connection.remove()
    }),
    says: /Expected that client 1 \(alice\) stays connected, but it was disconnected/,
  },
  {
    test: UNSUBSCRIBING,
    what: 'a server that carries out no commands',
    Host: class extends MemoryHost {
      override obey(): void {}
    },
    says: /Expected that the server carries out what client 1 \(alice\) asks for within 10000 ms, but got 0/,
  },
  {
    test: UNSUBSCRIBING,
    what: 'a harness whose clients cannot ask',
    Host: without('ask'),
    says: /^This test requires the harness to have `ask`: add it, or skip the test with a reason$/,
  },
  ...['userId', 'user_id', 'user', 'uid', 'as', 'sub'].map((field): Fault => ({
    test: COMMANDS,
    what: `a server that runs commands for the user in their ${field}`,
    Host: withSenders((host, sender, claims) => (field in claims ? connectionsOf(host, claims[field]) : [sender])),
    says: /Expected the manager to find \[1,1\] recipients of 2 messages, but it found \[2,0\]/,
  })),
  ...['connectionId', 'connection_id', 'connection', 'clientId', 'client', 'sid', 'id'].map((field): Fault => ({
    test: COMMANDS,
    what: `a server that runs commands for the connection in their ${field}`,
    Host: withSenders(({ inner }, sender, claims) => [inner.getConnection(String(claims[field])) ?? sender]),
    says: /Expected the manager to find \[1,1\] recipients of 2 messages, but it found \[2,0\]/,
  })),
  {
    test: COMMANDS,
    what: 'a server that accepts the identity in a command',
    Host: class extends MemoryHost {
      override carryOut(connection: Handle, command: MemoryCommand): void {
        const { userId } = command.claims
        super.carryOut(typeof userId === 'string' ? this.#renamed(connection, userId) : connection, command)
      }
      #renamed({ id, socket }: Handle, userId: string): Handle {
        void this.inner.getConnection(id)?.remove({ close: false })
        return this.inner.addConnection(id, socket, userId)
      }
    },
    says: /Expected the manager to find \[1,1\] .*, but it found \[2,1\]|the server carries out what client 3 \(mallory\) asks for/,
  },
  {
    test: COMMANDS,
    what: 'a server that sends a named user\'s private stream to the sender',
    Host: class extends MemoryHost {
      #spy: Handle | undefined
      override carryOut(connection: Handle, command: MemoryCommand): void {
        if (command.claims['userId'] === 'alice') this.#spy = connection
        super.carryOut(connection, command)
      }
      override get manager() {
        const { manager } = withoutOverride(this)
        return {
          ...manager,
          publish: (messages: Parameters<typeof manager.publish>[0]) => {
            for (const { userId } of messages) if (userId === 'alice') this.#spy?.socket.send('for alice alone')
            return manager.publish(messages)
          },
        }
      }
    },
    says: /Expected text \d of client 3 \(mallory\) to be absent, because nothing of its stream|to be the wire form of .*, but it is "for alice alone"/,
  },
  {
    test: COMMANDS,
    what: 'a server that removes a connection that another client names',
    Host: withCommands(({ inner }, sender, { claims }) => {
      const named = inner.getConnection(String(claims['sid']))
      if (named !== undefined && named !== sender) void named.remove()
    }),
    says: /Expected the manager to find \[1,1\] .*, but it found \[0,0\]/,
  },
  {
    test: COMMANDS,
    what: 'a manager that gains a connection of the named user',
    Host: class extends MemoryHost {
      readonly #real = this.inner.addConnection('real', new FakeSocket(), 'nobody')
      override carryOut(connection: Handle, command: MemoryCommand): void {
        super.carryOut(connection, command)
        if (!this.#real.removed) {
          void this.#real.remove()
          this.inner.addConnection('another', new FakeSocket(), 'alice')
        }
      }
    },
    says: /Expected alice to keep her 2 connections, but she has 3/,
  },
]

function withoutOverride({ inner }: MemoryHost): MemoryHost {
  return Object.defineProperty(new MemoryHost(), 'inner', { value: inner })
}
