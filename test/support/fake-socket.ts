export { FakeSocket } from '../../src/testing/fake-socket.ts'
