import { TestServer } from './server.js'

/** @import { Adapter } from 'socket.io-adapter' */
/** @import { ServerOptions } from 'socket.io' */
/** @import { Client } from './client.js' */

/** The room that a socket is in by its id, named without the id, which is another on each side. @typedef {{ own: string }} OwnRoom */

/** The events of an adapter. */
const ROOM_EVENTS = ['create-room', 'join-room', 'leave-room', 'delete-room']

/** One of two servers that do the same. What it shows has names in place of ids, so that the two can be compared. */
export class Side {
  /** @type {Map<string, Client>} */
  clients = new Map()
  #server
  #namespace
  /** @type {Map<unknown, string>} */
  #names = new Map()
  /** @type {unknown[][]} */
  #roomEvents = []

  /**
   * @param {Partial<ServerOptions>} options
   * @param {string} namespace
   */
  constructor(options, namespace) {
    this.#server = new TestServer(options)
    this.#namespace = namespace
    for (const event of ROOM_EVENTS) this.adapter.on(event, (...args) => this.#roomEvents.push([event, ...args]))
  }

  get io() {
    return this.#server.io.of(this.#namespace)
  }

  /** @returns {Adapter} */
  get adapter() {
    return this.io.adapter
  }

  /** @param {readonly string[]} names @param {readonly string[]} transports one for each client, in turn */
  async start(names, transports) {
    await this.#server.start()
    for (const [i, name] of names.entries()) {
      this.clients.set(name, await this.#server.connect(name, this.#namespace, [transports[i % transports.length] ?? 'websocket']))
      this.#learnId(name)
    }
  }

  stop() {
    return this.#server.stop()
  }

  /** @param {string} name */
  client(name) {
    return /** @type {Client} */ (this.clients.get(name))
  }

  /** @param {string} name */
  socket(name) {
    return this.#server.socketOf(name, this.#namespace)
  }

  /** The names of those who are connected, as the server has them. */
  connected() {
    return [...this.io.sockets.values()].map(({ handshake }) => handshake.auth.name).sort()
  }

  /** @param {readonly (string | OwnRoom)[]} rooms */
  rooms(rooms) {
    return rooms.map((room) => typeof room === 'string' ? room : this.socket(room.own).id)
  }

  /** @param {string} name */
  async reconnect(name) {
    await this.client(name).connect()
    this.#learnId(name)
  }

  /** The client disconnects, once it has all. */
  async leave(/** @type {string} */ name) {
    await this.client(name).settled()
    const socket = this.socket(name)
    const left = new Promise((resolve) => socket.once('disconnect', () => resolve(undefined)))
    this.client(name).leave()
    await left
  }

  /** Waits until all clients that the server disconnected know it. */
  async parted() {
    const connected = this.connected()
    await Promise.all([...this.clients.values()].map((client) => connected.includes(client.name) || client.disconnected()))
  }

  /** Waits until all clients have what was sent, and returns it with all else that can be seen of the rooms. */
  async seen() {
    await Promise.all(this.connected().map((name) => this.client(name).settled()))
    return {
      received: Object.fromEntries([...this.clients].map(([name, { received }]) => [name, received])),
      roomEvents: this.#roomEvents.map(([event, room, id]) => [event, this.#named(room), this.#named(id)]),
      ...await this.membership(),
    }
  }

  async membership() {
    const { rooms, sids } = this.adapter
    return {
      rooms: this.#namedSets(rooms),
      sids: this.#namedSets(sids),
      size: [rooms.size, sids.size],
      all: this.#sorted((await this.io.fetchSockets()).map(({ id }) => id)),
    }
  }

  /** @param {readonly (string | OwnRoom)[]} rooms @param {readonly (string | OwnRoom)[]} except */
  async found(rooms, except) {
    const found = await this.io.in(this.rooms(rooms)).except(this.rooms(except)).fetchSockets()
    return [this.#sorted(found.map(({ id }) => id)), this.#sorted([...await this.adapter.sockets(new Set(this.rooms(rooms)))])]
  }

  #learnId(/** @type {string} */ name) {
    this.#names.set(this.socket(name).id, `id of ${name}`)
  }

  /** @param {unknown} room a room or an id */
  #named(room) {
    return this.#names.get(room) ?? room
  }

  /** @param {readonly string[]} ids */
  #sorted(ids) {
    return ids.map((id) => this.#named(id)).sort()
  }

  /** @param {Map<string, Set<string>>} sets */
  #namedSets(sets) {
    return new Map([...sets].map(([key, set]) => /** @type {const} */ ([String(this.#named(key)), this.#sorted([...set])])).sort(([a], [b]) => a < b ? -1 : 1))
  }
}
