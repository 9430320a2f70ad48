import 'reflect-metadata'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Inject, Injectable, Module, type BeforeApplicationShutdown, type DynamicModule, type INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { WebSocketGateway, type OnGatewayInit } from '@nestjs/websockets'
import { ConnectionManager, type Clock } from 'stream-connection-manager'
import { serveWebSockets } from 'stream-connection-manager/hosts/ws'
import { drain } from 'stream-connection-manager/operations'
import { createCommandServer, type CommandServer } from 'stream-connection-manager/protocol'
import { createRecovery, Recovery } from 'stream-connection-manager/recovery'
import type { WebSocket, WebSocketServer } from 'ws'
import type { Listening } from './listening.ts'
import { authenticate, type Identity } from './protocol.ts'

type Manager = ConnectionManager<WebSocket>

// The tokens of what has no class.
const COMMANDS = Symbol('CommandServer')
const CLOCK = Symbol('Clock')

/** Says who a client is. It may return a promise, and inject other providers, such as a session store. */
@Injectable()
export class Users {
  identify(request: IncomingMessage): Identity | undefined {
    return authenticate(request)
  }
}

/** Inject it wherever prices come from. */
@Injectable()
export class Prices {
  @Inject(ConnectionManager) private readonly manager!: Manager

  publish(symbol: string, bid: number): void {
    this.manager.publish({ streamType: 'PRICE', symbol, data: { bid } })
  }
}

/** Serves the clients. At shutdown, it sends them away before Nest terminates their sockets. */
@WebSocketGateway({ maxPayload: 16 * 1024 })
export class LiveGateway implements OnGatewayInit<WebSocketServer>, BeforeApplicationShutdown {
  @Inject(ConnectionManager) private readonly manager!: Manager
  @Inject(COMMANDS) private readonly commands!: CommandServer<WebSocket>
  @Inject(Users) private readonly users!: Users
  @Inject(CLOCK) private readonly clock: Clock | undefined

  afterInit(sockets: WebSocketServer): void {
    const { manager, commands, users, clock } = this
    serveWebSockets(sockets, { manager, commands, authenticate: (request: IncomingMessage) => users.identify(request), clock })
  }

  // Not `onApplicationShutdown`: Nest calls it after it has terminated all sockets.
  async beforeApplicationShutdown(): Promise<void> {
    await drain(this.manager, { commands: this.commands })
  }
}

@Module({
  providers: [
    { provide: Recovery, useFactory: () => createRecovery() },
    { provide: ConnectionManager, inject: [Recovery], useFactory: (recorder: Recovery) => new ConnectionManager<WebSocket>({ recorder }) },
    { provide: COMMANDS, inject: [ConnectionManager, Recovery], useFactory: (manager: Manager, recovery: Recovery) => createCommandServer(manager, { recovery }) },
    Users,
    Prices,
    LiveGateway,
  ],
  exports: [ConnectionManager, Prices],
})
export class LiveModule {
  /** The clock is for tests. */
  static with(clock: Clock | undefined): DynamicModule {
    return { module: LiveModule, providers: [{ provide: CLOCK, useValue: clock }] }
  }
}

/** Makes the application. Your `main.ts` then calls `app.enableShutdownHooks()` and `app.listen(8080)`. */
export async function createApp(clock?: Clock): Promise<INestApplication<Server>> {
  const app = await NestFactory.create<INestApplication<Server>>(LiveModule.with(clock), { logger: ['error', 'warn'], forceCloseConnections: true })
  // Nest refuses an invalid upgrade without an error listener on its socket. If the client resets the connection, the error would end the process.
  app.getHttpServer().on('upgrade', (_request, socket) => socket.on('error', () => socket.destroy()))
  return app.useWebSocketAdapter(new WsAdapter(app, { messageParser: () => undefined })) // the command server parses all messages
}

/** The clock is for tests. */
export async function listen(port = 0, clock?: Clock): Promise<Listening> {
  const app = await createApp(clock)
  await app.listen(port, '127.0.0.1')
  const manager = app.get<Manager>(ConnectionManager)
  return {
    manager,
    port: (app.getHttpServer().address() as AddressInfo).port,
    async stop(options) {
      const report = await drain(manager, { commands: app.get<CommandServer>(COMMANDS), ...options })
      await app.close() // alone, it would drain with the defaults
      return report
    },
  }
}
