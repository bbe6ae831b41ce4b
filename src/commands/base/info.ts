import { baseInfo } from '../../build/base-image.ts'
import { PaasError } from '../../errors/paas-error.ts'
import { defineCommand } from '../define.ts'
import { renderBase, ShownBase, shownBase } from './shown-base.ts'

export const baseImageInfo = defineCommand({
  name: 'base:info',
  aliases: ['base'],
  summary: 'show the image that apps are built on',
  examples: ['paas base:info', 'paas base:info --json'],
  access: 'read',
  app: 'none',
  result: ShownBase,
  async run(_, { platform }) {
    const base = await baseInfo(platform.engine)
    if (base === undefined)
      throw new PaasError('NOT_FOUND', 'There is no base image yet.', { hint: 'paas base:build' })
    return shownBase(base)
  },
  render: renderBase,
})
