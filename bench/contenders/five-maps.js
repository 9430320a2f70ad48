/** What most servers write by hand: five maps of ids, and a look-up for each hop from the stream to the socket. */
export class FiveMapsHub {
  #activeConnections = new Map()
  #connectionUsers = new Map()
  #userConnections = new Map()
  #userSubscriptions = new Map()
  #streamSubscriptions = new Map()

  join({ id, socket, userId }) {
    this.#activeConnections.set(id, socket)
    this.#connectionUsers.set(id, userId)
    add(this.#userConnections, userId, id)
    return id
  }

  subscribe(id, symbols) {
    const userId = this.#connectionUsers.get(id)
    for (const symbol of symbols) {
      const key = `PRICE:${symbol}`
      add(this.#userSubscriptions, userId, key)
      add(this.#streamSubscriptions, key, userId)
    }
  }

  leave(id) {
    const userId = this.#connectionUsers.get(id)
    this.#activeConnections.delete(id)
    this.#connectionUsers.delete(id)
    remove(this.#userConnections, userId, id)
    if (this.#userConnections.has(userId)) return
    for (const key of this.#userSubscriptions.get(userId) ?? []) remove(this.#streamSubscriptions, key, userId)
    this.#userSubscriptions.delete(userId)
  }

  publish(symbol, text) {
    for (const id of this.#recipients(symbol)) {
      try {
        this.#activeConnections.get(id)?.send(text)
      } catch {
        this.leave(id)
      }
    }
  }

  #recipients(symbol) {
    const ids = []
    for (const userId of this.#streamSubscriptions.get(`PRICE:${symbol}`) ?? []) {
      for (const id of this.#userConnections.get(userId) ?? []) ids.push(id)
    }
    return ids
  }
}

function add(map, key, value) {
  const values = map.get(key)
  if (values === undefined) map.set(key, new Set([value]))
  else values.add(value)
}

function remove(map, key, value) {
  const values = map.get(key)
  values?.delete(value)
  if (values?.size === 0) map.delete(key)
}
