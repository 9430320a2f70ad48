import type { Room } from 'socket.io-adapter'

/**
 * Gives each room in use a symbol.
 *
 * A symbol of the manager has at most 255 units, is well-formed, and is not empty. A room of socket.io may be any string, and a client often
 * chooses it. So a symbol is a number that is given once, and two rooms never share one.
 */
export class RoomSymbols {
  readonly #symbols = new Map<Room, string>()
  readonly #rooms = new Map<string, Room>()
  #last = 0

  /** The rooms that have a symbol, oldest first. It is live. */
  get all(): ReadonlyMap<Room, string> {
    return this.#symbols
  }

  /** Returns the room of a symbol, `undefined` for an unknown one. */
  roomOf(symbol: string): Room | undefined {
    return this.#rooms.get(symbol)
  }

  /** Gives a room its symbol. The room must not have one. */
  add(room: Room): string {
    const symbol = String(++this.#last)
    this.#symbols.set(room, symbol)
    this.#rooms.set(symbol, room)
    return symbol
  }

  /** Releases a room's symbol. The next one of the room is another. */
  release(room: Room, symbol: string): void {
    this.#symbols.delete(room)
    this.#rooms.delete(symbol)
  }
}
