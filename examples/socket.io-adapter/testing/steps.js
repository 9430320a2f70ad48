/** @import { Dice } from './dice.js' */
/** @import { OwnRoom, Side } from './side.js' */

/**
 * @typedef {object} Step something that is done on both sides
 * @property {string} title
 * @property {(side: Side) => unknown} act returns what must be the same on both sides
 */

const ROOMS = ['red', 'green', 'blue', '', '__proto__', '\ud800', 'x'.repeat(300)]
const BYTES = Buffer.from('bytes')

/**
 * Chooses the next step.
 *
 * @param {Dice} dice
 * @param {readonly string[]} names of all clients
 * @param {readonly string[]} connected the names of those who are connected
 * @param {number} number of the step
 * @returns {Step}
 */
export function nextStep(dice, names, connected, number) {
  const absent = names.filter((name) => !connected.includes(name))
  if (connected.length === 0 || (absent.length > 0 && dice.below(8) === 0)) return reconnect(dice.pick(absent))
  const name = dice.pick(connected)
  const anyRoom = [...ROOMS, ...connected.map((own) => ({ own }))]
  const rooms = dice.some(anyRoom, 3)
  const except = dice.some(anyRoom, 2)
  const args = dice.pick([[number], [number, { nested: [BYTES] }], [number, BYTES, 'text', BYTES], [number, null, { rooms: 1 }]])
  const moves = [
    join(name, dice.some(ROOMS, 3)), join(name, dice.some(ROOMS, 3)), leaveRoom(name, dice.pick(ROOMS)),
    moveAll('socketsJoin', rooms, except, dice.some(ROOMS, 2)), moveAll('socketsLeave', rooms, except, dice.some(ROOMS, 2)),
  ]
  const emits = [
    emitToAll(rooms, except, args), emitToAll(rooms, except, args), emitToOthers(name, rooms, except, args), emitToOthers(name, [], [], args),
    emitToOne(name, args), ask(rooms, except, args), find(rooms, except),
  ]
  const partings = [disconnect(name), leave(name), disconnectAll(rooms, except)]
  return dice.pick(dice.below(16) === 0 ? partings : dice.pick([moves, emits, emits]))
}

/** @param {string} name @returns {Step} */
function reconnect(name) {
  return { title: `${name} connects again`, act: (side) => side.reconnect(name) }
}

/** @param {string} name @param {string[]} rooms @returns {Step} */
function join(name, rooms) {
  return { title: `${name} joins ${show(rooms)}`, act: (side) => void side.socket(name).join(rooms) }
}

/** @param {string} name @param {string} room @returns {Step} */
function leaveRoom(name, room) {
  return { title: `${name} leaves ${show([room])}`, act: (side) => void side.socket(name).leave(room) }
}

/** @param {'socketsJoin' | 'socketsLeave'} method @param {(string | OwnRoom)[]} from @param {(string | OwnRoom)[]} except @param {string[]} rooms @returns {Step} */
function moveAll(method, from, except, rooms) {
  return {
    title: `${method} of ${show(from)} except ${show(except)}: ${show(rooms)}`,
    act: (side) => side.io.to(side.rooms(from)).except(side.rooms(except))[method](rooms),
  }
}

/** @param {(string | OwnRoom)[]} rooms @param {(string | OwnRoom)[]} except @param {unknown[]} args @returns {Step} */
function emitToAll(rooms, except, args) {
  return {
    title: `emit ${args[0]} to ${show(rooms)} except ${show(except)}`,
    act: (side) => void side.io.to(side.rooms(rooms)).except(side.rooms(except)).emit('news', ...args),
  }
}

/** @param {string} name @param {(string | OwnRoom)[]} rooms @param {(string | OwnRoom)[]} except @param {unknown[]} args @returns {Step} */
function emitToOthers(name, rooms, except, args) {
  return {
    title: `${name} emits ${args[0]} to the others in ${show(rooms)} except ${show(except)}`,
    act: (side) => void side.socket(name).to(side.rooms(rooms)).except(side.rooms(except)).emit('news', ...args),
  }
}

/** @param {string} name @param {unknown[]} args @returns {Step} */
function emitToOne(name, args) {
  return { title: `emit ${args[0]} to ${name}`, act: (side) => void side.socket(name).emit('news', ...args) }
}

/** @param {(string | OwnRoom)[]} rooms @param {(string | OwnRoom)[]} except @param {unknown[]} args @returns {Step} */
function ask(rooms, except, args) {
  return {
    title: `ask ${args[0]} of ${show(rooms)} except ${show(except)}`,
    act: async (side) => (await side.io.timeout(10_000).to(side.rooms(rooms)).except(side.rooms(except)).emitWithAck('ask', ...args)).sort(),
  }
}

/** @param {(string | OwnRoom)[]} rooms @param {(string | OwnRoom)[]} except @returns {Step} */
function find(rooms, except) {
  return { title: `find ${show(rooms)} except ${show(except)}`, act: (side) => side.found(rooms, except) }
}

/** @param {string} name @returns {Step} */
function disconnect(name) {
  return { title: `disconnect ${name}`, act: (side) => { side.socket(name).disconnect(); return side.parted() } }
}

/** @param {string} name @returns {Step} */
function leave(name) {
  return { title: `${name} leaves`, act: (side) => side.leave(name) }
}

/** @param {(string | OwnRoom)[]} rooms @param {(string | OwnRoom)[]} except @returns {Step} */
function disconnectAll(rooms, except) {
  return {
    title: `disconnect ${show(rooms)} except ${show(except)}`,
    act: (side) => { side.io.in(side.rooms(rooms)).except(side.rooms(except)).disconnectSockets(); return side.parted() },
  }
}

/** @param {readonly (string | OwnRoom)[]} rooms */
function show(rooms) {
  return JSON.stringify(rooms.map((room) => typeof room === 'string' ? room.slice(0, 10) : `id of ${room.own}`))
}
