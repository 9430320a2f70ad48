import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CommandTalk } from './command-talk.js'
import { SocketIoTalk } from './socket-io-talk.js'

const ANSWER = '{"type":"subscribed","recovered":null}'
const MESSAGE = '{"stream_type":"TRADES","symbol":"A","data":1,"epoch":"e1","seq":7}'

/** Returns what the client says to these texts, and what it hears. */
function conversation(talk, texts) {
  const said = [talk.begin()].filter((text) => text !== undefined)
  const heard = texts.map((text) => talk.hear(text, (answer) => said.push(answer)))
  return { said, heard }
}

describe('a client that sends commands', () => {
  it('asks for all streams at once, and is ready after the last answer', () => {
    const { said, heard } = conversation(new CommandTalk({ answers: 'each' }, ['A', 'B']), [ANSWER, ANSWER])

    assert.deepEqual(said.map((text) => JSON.parse(text)), [[
      { command: 'subscribe', id: 0, stream_type: 'TRADES', symbol: 'A' },
      { command: 'subscribe', id: 1, stream_type: 'TRADES', symbol: 'B' },
    ]])
    assert.deepEqual(heard, [undefined, 'ready'])
  })

  it('is ready after one answer if the server answers all at once', () => {
    assert.deepEqual(conversation(new CommandTalk({ answers: 'one' }, ['A', 'B']), [ANSWER]).heard, ['ready'])
  })

  it('waits for the welcome of a server that has one', () => {
    const talk = new CommandTalk({ answers: 'each', hasWelcome: true }, ['A'])

    assert.equal(talk.begin(), undefined)
    assert.equal(conversation(talk, ['{"type":"welcome"}']).said.length, 1)
  })

  it('comes back with the position of its last message, and takes no less than a recovery', () => {
    const talk = new CommandTalk({ answers: 'each' }, ['A'])
    assert.deepEqual(conversation(talk, [ANSWER, MESSAGE]).heard, ['ready', 'message'])

    const { said, heard } = conversation(talk, ['{"type":"subscribed","recovered":true}'])

    assert.equal(JSON.parse(said[0])[0].position, 'e1:7')
    assert.deepEqual(heard, ['ready'])
    assert.throws(() => conversation(talk, [ANSWER]), /The server answers/)
  })

  it('fails where it is refused', () => {
    assert.throws(() => conversation(new CommandTalk({ answers: 'one' }, ['A']), ['{"type":"refused"}']), /The server answers/)
  })
})

describe('a client of socket.io', () => {
  it('connects, asks for all rooms, and is ready once they are its own', () => {
    const { said, heard } = conversation(new SocketIoTalk({}, ['A', 'B']), ['0{}', '40{"sid":"s"}', '430[]', '42["message",1]'])

    assert.deepEqual(said, ['40', '420["subscribe",["A","B"]]'])
    assert.deepEqual(heard, [undefined, undefined, 'ready', 'message'])
  })

  it('comes back with its session and the offset of its last message, and asks for no rooms', () => {
    const talk = new SocketIoTalk({ recovers: true }, ['A'])
    conversation(talk, ['0{}', '40{"sid":"s","pid":"p"}', '430[]', '42["message",1,"o1"]'])

    const { said, heard } = conversation(talk, ['0{}', '42["message",2,"o2"]', '40{"sid":"s","pid":"p"}'])

    assert.deepEqual(said, ['40{"pid":"p","offset":"o1"}'])
    assert.deepEqual(heard, [undefined, 'message', 'ready'])
  })

  it('fails where its state was not recovered', () => {
    const talk = new SocketIoTalk({ recovers: true }, ['A'])
    conversation(talk, ['0{}', '40{"sid":"s","pid":"p"}', '430[]', '42["message",1,"o1"]'])

    assert.throws(() => conversation(talk, ['0{}', '40{"sid":"t","pid":"q"}']), /did not recover/)
  })
})
