import { newClient } from '../../modal/client.ts';
import { type Environment, listEnvironments } from '../../modal/environments.ts';
import { withProgress } from '../common/progress.ts';
import { shown } from '../common/report.ts';
import { window } from '../common/window.ts';
import type { AccountService } from './account-service.ts';
import { strings } from './strings.ts';

/** `modal.chooseEnvironment`: lists the environments of the account in use, and uses the one that the user selects. */
export async function chooseEnvironment(accounts: AccountService): Promise<void> {
  const environments = await shown(() =>
    withProgress(strings.loadingEnvironments(), async (signal) => {
      const client = await newClient(await accounts.current());
      return listEnvironments(client, signal).finally(() => client.close());
    }),
  );
  if (!environments) return;
  const account = await accounts.current();
  const currentName = account.environment ?? environments.find(({ isDefault }) => isDefault)?.name;
  const describe = ({ name, isDefault }: Environment) => {
    const description = isDefault ? strings.defaultEnvironment() : '';
    return name === currentName ? strings.current(description).trim() : description;
  };
  const items = environments.map((each) => ({
    environment: each,
    label: each.name,
    description: describe(each),
  }));
  const picked = await window.showQuickPick(items, {
    title: strings.environmentTitle(accounts.label),
    placeHolder: strings.environmentPlaceholder(),
  });
  if (picked) await accounts.useEnvironment(picked.environment.name);
}
