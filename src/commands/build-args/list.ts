import { defineCommand } from '../define.ts'
import { shownArgs, ShownArgs, renderArgs } from './fields.ts'

export const buildArgsList = defineCommand({
  name: 'build-args:list',
  aliases: ['build-args'],
  topic: 'builds',
  summary: 'list the build arguments of an app',
  examples: ['paas build-args -a shop'],
  whenEmpty: 'There are no build arguments: paas build-args:set -a APP NAME=value',
  access: 'read',
  app: 'required',
  result: ShownArgs,
  run: ({ app }) => Promise.resolve(shownArgs(app, app.build ?? {})),
  render: renderArgs,
})
