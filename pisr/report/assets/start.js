document.querySelectorAll('.comparison').forEach(startDivider);
document.querySelectorAll('[data-kind=plot]').forEach(startPlot);
document.querySelectorAll('[data-kind=cost]').forEach(startCost);
