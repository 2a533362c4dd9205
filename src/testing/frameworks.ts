import type { TestFramework } from './framework.ts';
import { goTests } from './go.ts';
import { nodeTests } from './node.ts';
import { pythonTests } from './pytest.ts';

/** All test frameworks. */
export const TEST_FRAMEWORKS: readonly TestFramework[] = [pythonTests, nodeTests, goTests];

/** Returns the framework that a file may have tests of, by its name. */
export function testFileFramework(path: string): TestFramework | undefined {
  return TEST_FRAMEWORKS.find((each) => each.isTestFile(path));
}
