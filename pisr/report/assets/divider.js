// Two versions of a picture under a divider, which a pointer drags and arrow keys move.

function startDivider(card) {
  const stage = card.querySelector('.stage');
  const range = stage.querySelector('input');
  const pictures = [...card.querySelectorAll('.strip img')];
  stage.hidden = false;
  const put = percent => {
    const split = Math.min(100, Math.max(0, percent));
    stage.style.setProperty('--split', split + '%');
    range.value = split;
  };
  range.addEventListener('input', () => put(Number(range.value)));
  const follow = event => {
    const frame = stage.getBoundingClientRect();
    put(100 * (event.clientX - frame.left) / frame.width);
  };
  stage.addEventListener('pointerdown', event => {
    if (event.target.closest('select')) return;
    stage.setPointerCapture(event.pointerId);
    follow(event);
    range.focus({preventScroll: true, focusVisible: false});
    event.preventDefault();
  });
  stage.addEventListener('pointermove', event => {
    if (stage.hasPointerCapture(event.pointerId)) follow(event);
  });
  for (const [choice, side] of [['.a', '.left'], ['.b', '.right']]) {
    const select = stage.querySelector(choice);
    const choose = () => { stage.querySelector(side).src = pictures[select.selectedIndex].src; };
    select.addEventListener('change', choose);
    choose();
  }
}
