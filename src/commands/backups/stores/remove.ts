import { z } from 'zod'
import { storeOf } from '../../../backups/offsite.ts'
import { PaasError } from '../../../errors/paas-error.ts'
import { subjectName } from '../../../model/backup.ts'
import { defineCommand } from '../../define.ts'

export const backupsStoresRemove = defineCommand({
  name: 'backups:stores:remove',
  summary: 'forget an off-site store; what is in it stays there',
  examples: ['paas backups:stores:remove offsite'],
  access: 'admin',
  app: 'none',
  args: { name: z.string().describe('the store') },
  result: z.object({ name: z.string() }),
  async run({ args }, { platform }) {
    const { backups } = platform.store
    const { name } = await storeOf(platform.store, args.name)
    const users = (await backups.schedules.all()).filter(([, { to }]) => to === name)
    if (users.length > 0) {
      throw new PaasError(
        'SERVICE_IN_USE',
        `Schedules go there: ${users.map(([, { subject }]) => subjectName(subject)).join(', ')}.`,
        {
          hint: 'Change them first: paas backups:schedule',
        },
      )
    }
    // Its copies cannot be read without it, so they are not known any more either.
    for (const backup of await backups.list()) {
      const copies = backup.copies.filter(({ store }) => store !== name)
      if (copies.length < backup.copies.length) await backups.save({ ...backup, copies })
    }
    await backups.stores.remove(name)
    return { name }
  },
  render: ({ name }) => `${name} is forgotten.\n`,
})
