// A TCP proxy between clients and a server, which can do what networks do.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What becomes of new links: they reach the server, are refused, are accepted and lead nowhere, or wait until the door is open. */
export type Door = 'open' | 'refusing' | 'leading nowhere' | 'waiting'

/** What becomes of bytes: they pass, stay where they are (half-open), are lost, or pass a little at a time. */
type Flow = 'passing' | 'stalled' | 'lost' | 'trickling'

/** Returns which client it is, by the first bytes that it sends. */
type ClientIn = (chunk: Buffer) => number | undefined

const TRICKLE_MS = 100

/** A connection of a client, and its continuation to the server. */
export class Link {
  /** Which client it is. `undefined` until it is known. */
  client: number | undefined
  flow: Flow = 'passing'
  readonly #near: Socket
  readonly #far: Socket
  #lifetimeBytes: number

  /**
   * @param clientIn which client it is, by the first bytes that it sends
   * @param lifetimeBytes the link is cut after so many bytes from the server
   */
  constructor(near: Socket, far: Socket, clientIn: ClientIn, lifetimeBytes: number) {
    this.#near = near
    this.#far = far
    this.#lifetimeBytes = lifetimeBytes
    near.once('data', (chunk) => (this.client = clientIn(chunk)))
    this.#pipe(near, far)
    this.#pipe(far, near)
    far.on('data', ({ length }) => {
      this.#lifetimeBytes -= length
      if (this.#lifetimeBytes <= 0) this.cut()
    })
  }

  /** Breaks it: what is on the way is lost. */
  cut(): void {
    for (const socket of [this.#near, this.#far]) socket.resetAndDestroy()
  }

  /** Makes it half-open. Both ends stay, and hear nothing any more. */
  stall(): void {
    this.flow = 'stalled'
    for (const socket of [this.#near, this.#far]) socket.pause()
  }

  /** Each end sends on, and nothing arrives. */
  lose(): void {
    this.flow = 'lost'
  }

  /** The client reads slowly. */
  trickle(): void {
    this.flow = 'trickling'
  }

  /** Lets everything pass again. */
  heal(): void {
    this.flow = 'passing'
    for (const socket of [this.#near, this.#far]) socket.resume()
  }

  #pipe(from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (this.flow === 'lost') return
      const isRoom = to.write(chunk)
      if (this.flow === 'trickling' && from === this.#far) this.#pauseFor(TRICKLE_MS)
      else if (!isRoom) this.#pauseUntilDrained(from, to)
    })
    from.on('close', () => to.destroySoon())
    // A close event follows.
    from.on('error', () => {})
  }

  #pauseUntilDrained(from: Socket, to: Socket): void {
    from.pause()
    to.once('drain', () => this.flow !== 'stalled' && from.resume())
  }

  #pauseFor(ms: number): void {
    this.#far.pause()
    setTimeout(() => this.flow !== 'stalled' && this.#far.resume(), ms)
  }
}

export class Proxy {
  /** Returns the port of the server that a new link leads to. `undefined` if there is none: then links are refused. */
  target: () => number | undefined = () => undefined
  /** Returns after how many bytes a new link is cut. */
  lifetimeBytes: () => number = () => Infinity
  /** When clients tried to connect: milliseconds of the time of day. */
  readonly attemptsMs: number[] = []
  readonly #sockets = new Set<Socket>()
  readonly #links = new Set<Link>()
  readonly #clientIn: ClientIn
  #door: Door = 'open'
  #waiting: Socket[] = []
  readonly #server = createServer({ noDelay: true }, (near) => this.#accept(near))

  constructor(clientIn: ClientIn) {
    this.#clientIn = clientIn
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  set door(door: Door) {
    this.#door = door
    if (door === 'open') for (const near of this.#waiting.splice(0)) this.#connect(near)
  }

  get allLinks(): readonly Link[] {
    return [...this.#links]
  }

  /** The links that bytes pass through. */
  get links(): Link[] {
    return [...this.#links].filter(({ flow, client }) => flow === 'passing' && client !== undefined)
  }

  /** Ends all misbehaviour. Half-open links stay as they are. */
  heal(): void {
    this.door = 'open'
    this.lifetimeBytes = () => Infinity
    for (const link of this.#links) if (link.flow === 'trickling') link.heal()
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(near: Socket): void {
    this.attemptsMs.push(Date.now())
    this.#own(near)
    if (this.#door === 'leading nowhere') return
    if (this.#door === 'refusing') return void near.resetAndDestroy()
    if (this.#door === 'waiting') this.#waiting.push(near)
    else this.#connect(near)
  }

  #connect(near: Socket): void {
    if (near.destroyed) return
    const port = this.target()
    if (port === undefined) return void near.resetAndDestroy()
    const far = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#own(far)
    const link = new Link(near, far, this.#clientIn, this.lifetimeBytes())
    this.#links.add(link)
    near.on('close', () => this.#links.delete(link))
  }

  #own(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** Returns which client of a server of WebSockets it is, as its URL says. */
export function clientIn(chunk: Buffer): number | undefined {
  const [, number] = /^GET \/\?client=(\d+)/.exec(chunk.toString('latin1')) ?? []
  return number === undefined ? undefined : Number(number)
}
