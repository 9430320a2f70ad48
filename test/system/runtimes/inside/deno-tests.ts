import type { TestRunner } from 'stream-connection-manager/testing'
import { libraryTests } from './library-tests.ts'
import { moduleTests } from './module-tests.ts'

const runner: TestRunner = { describe: (_name, body) => body(), it: (name, run) => Deno.test(name, run) }

moduleTests(runner)
libraryTests(runner)
