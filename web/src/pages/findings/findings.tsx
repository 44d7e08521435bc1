import { PageFrame } from '../../part/page.tsx';

/** The explorer of findings. */
export default function Findings() {
  return <PageFrame title="Findings">{null}</PageFrame>;
}
